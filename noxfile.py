"""The matrix: every supported Salt with every supported LiteLLM. Run by `make test-all`."""

import nox

nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True

OVERRIDES = "tests/support/locks/salt.overrides"  # packages that Salt asks for too early


@nox.session
@nox.parametrize("litellm", ["1.106.2", "1.83.14", "1.110.2"])
@nox.parametrize("salt", ["3006", "3008"])
def tests(session: nox.Session, salt: str, litellm: str) -> None:
    """All tests but those of `make survive`, with one version of Salt against one of LiteLLM."""
    options = ("--system-certs", "--compile-bytecode", "--override", OVERRIDES)
    session.install(*options, f"salt=={salt}.*,!=3008.0", "-e", ".[tests]")
    session.run("salt-call", "--version")
    everything = ("-m", "not survive", *session.posargs)
    session.run("python", "-m", "pytest", *everything, env={"LITELLM_TEST_VERSION": litellm})
