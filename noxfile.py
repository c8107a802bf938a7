"""Salt and LiteLLM in each version: `make test-all` runs `tests`; CI runs `unit` and some of it."""

import nox

nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests"]

OVERRIDES = "tests/support/locks/salt.overrides"  # packages that Salt asks for too early


def install(session: nox.Session, salt: str, *more: str) -> None:
    """Install this extension with one version of Salt."""
    options = ("--system-certs", "--compile-bytecode", "--override", OVERRIDES)
    session.install(*options, f"salt=={salt}.*,!=3008.0", "-e", ".[tests]", *more)
    session.run("salt-call", "--version")


@nox.session
@nox.parametrize("litellm", ["1.106.2", "1.83.14", "1.110.2"])
@nox.parametrize("salt", ["3006", "3008"])
def tests(session: nox.Session, salt: str, litellm: str) -> None:
    """All tests but those of `make survive`, with one version of Salt against one of LiteLLM."""
    install(session, salt)
    everything = ("-m", "not survive", *session.posargs)
    session.run("python", "-m", "pytest", *everything, env={"LITELLM_TEST_VERSION": litellm})


@nox.session
@nox.parametrize("salt", ["3006", "3008"])
def unit(session: nox.Session, salt: str) -> None:
    """The tests without a gateway. pyproject.toml says which share of src/ they must reach."""
    install(session, salt, "pytest-cov")
    session.run("python", "-m", "pytest", "--cov", "tests/unit", *session.posargs)
