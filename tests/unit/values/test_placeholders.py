"""Text that stands in the place of a value: refused if that is certain, else a warning."""

import pytest

from saltext_litellm.errors import InvalidInput
from saltext_litellm.http import profile as profiles
from saltext_litellm.models import model_list
from saltext_litellm.models.desired import desired, mistakes_in, named

MINIMAL = {"name": "gpt", "custom_llm_provider": "openai", "base_model": "gpt-4"}
SENT = "; it is sent as given"

CIPHERTEXT = {
    "PGP": "-----BEGIN PGP MESSAGE-----\n\nhQEMA0\n=aBcD\n-----END PGP MESSAGE-----\n",
    "age": "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----",
    "PKCS7": "-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----",
    "sops or eyaml": "ENC[AES256_GCM,data:p673w==,iv:YY=,aad:UQ=,tag:A=,type:str]",
    "ENC(…)": "ENC(G6N718UuyPE5bHyWKyuLQSm02auQPUtm)",
    "Ansible Vault": "$ANSIBLE_VAULT;1.1;AES256\n6638643\n6162\n",
    "Vault transit": "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9g==",
    "Salt's nacl": "NACL[MzvAkYuqHCFZ4qkTbiQeNCJyBlPhrHfXbjFUyEYJdtJ]",
    "AWS KMS": f"AQICAH{'h' * 100}==",
}
VARIABLE, TEMPLATE = "a variable", "a template"
NOTHING, BLANK = "the word None, null or undefined", "a placeholder"
FOREIGN, QUOTED = "a reference that only another program", "a text with the quotes or escapes"
NO_SECRET = [
    *((word, NOTHING) for word in ("None", "null", "NULL", "undefined", "None\n", "Bearer None")),
    *((text, VARIABLE) for text in ("${X}", "${OPENAI_API_KEY}", "${X:-sk-1}", "$X")),
    *((text, VARIABLE) for text in ("$OPENAI_API_KEY", "Bearer ${TOKEN}", "$env:KEY", "%A_KEY%")),
    *((text, VARIABLE) for text in ('os.environ["KEY"]', "os.environ.get('KEY')", "$(cat key)")),
    *((text, TEMPLATE) for text in ("{{ x }}", "{{x}}", "Bearer {{ pillar['x'] }}", "a-{{ x }}")),
    *((text, TEMPLATE) for text in ("{% if x %}sk-1{% endif %}", "${{ secrets.KEY }}")),
    *((text, BLANK) for text in ("<your-key>", "<API_KEY>", "<your api key here>", "<secret>")),
    *((text, TEMPLATE) for text in ("<%= ENV['KEY'] %>", "{{ .Values.key }}")),
    *((text, BLANK) for text in ("YOUR_API_KEY", "YOUR-KEY-HERE", "[REDACTED]", "{API_KEY}")),
    *((text, BLANK) for text in ("<apikey>", "sk-<your-key>", "sk-YOUR_KEY", "<yourkey>")),
    *((text, FOREIGN) for text in ("op://vault/openai/key", "ref+vault://secret/x#key")),
    *((text, FOREIGN) for text in ("arn:aws:secretsmanager:eu-west-1:1:secret:openai",)),
    *((text, f"({kind})") for kind, text in CIPHERTEXT.items()),
    *((text, "an sdb:// reference") for text in ("key=sdb://a/b", "SDB://a/b", "a Bearer sdb://b")),
]
DOUBTFUL = [
    *(
        (text, BLANK)
        for text in ("changeme", "CHANGE_ME", "change-me-please", "xxx", "sk-xxxxxxxx")
    ),
    *((text, BLANK) for text in ("TODO", "sk-your-api-key", "your-key", "put-key-here", "<abc>")),
    *((text, VARIABLE) for text in ("$ecret7", "OPENAI_API_KEY", "a${B}c")),
    *((text, QUOTED) for text in ('"sk-1"', "'sk-1'", "sk-1\\n")),
    ("none", NOTHING),  # what people give a server that asks for no key
]
MEANT = [
    *(
        "sk-0123456789abcdef",
        "dummy",
        "EMPTY",
        "fake-key",
        "sk-1234",
        "x",
        "a$b",
        "p$$w",
        "pa<ss>w",
    ),
    *("100%", "nonesuch", "a{b}c", "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n"),
    *("vault", "ENC", '{"type": "service_account", "key": "x"}'),
]
SECRET_PLACES = {
    "model_api_key": lambda text: {"model_api_key": text},
    "aws_secret_access_key": lambda text: {"aws_secret_access_key": text},
    "litellm_params:extra_headers:X-Token": lambda text: {
        "litellm_params": {"extra_headers": {"X-Token": text}}
    },
    "litellm_params:fallbacks:api_key": lambda text: {
        "litellm_params": {"fallbacks": [{"model": "x", "api_key": text}]}
    },
    "litellm_params:vertex_credentials:private_key": lambda text: {
        "litellm_params": {"vertex_credentials": {"private_key": text}}
    },
    "litellm_params:ourSessionToken": lambda text: {"litellm_params": {"ourSessionToken": text}},
}
NAMES = {
    "custom_llm_provider": lambda text: {"custom_llm_provider": text},
    "base_model": lambda text: {"base_model": text},
    "model_api_base": lambda text: {"model_api_base": text},
    "api_version": lambda text: {"api_version": text},
    "mode": lambda text: {"mode": text},
    "aws_region_name": lambda text: {"aws_region_name": text},
    "litellm_params:model": lambda text: {
        "custom_llm_provider": None,
        "base_model": None,
        "litellm_params": {"model": f"azure/{text}"},
    },
    "litellm_params:vertex_project": lambda text: {"litellm_params": {"vertex_project": text}},
    "litellm_params:organization": lambda text: {"litellm_params": {"organization": text}},
}
OTHERS = {
    "litellm_params:note": lambda text: {"litellm_params": {"note": text}},
    "litellm_params:extra_headers:X-Team": lambda text: {
        "litellm_params": {"extra_headers": {"X-Team": text}}
    },
    "model_info:owner": lambda text: {"model_info": {"owner": text}},
}


def declared(**arguments):
    return desired({**MINIMAL, **arguments}, lambda value: value)


def refused(**arguments):
    with pytest.raises(InvalidInput) as err:
        declared(**arguments)
    return str(err.value)


@pytest.mark.parametrize("place", SECRET_PLACES)
@pytest.mark.parametrize(("text", "what"), NO_SECRET)
def test_what_is_surely_no_secret_is_refused(place, text, what):
    said = refused(**SECRET_PLACES[place](text))
    assert said.startswith(f"{place} has ")
    assert said.endswith(" instead of a value")
    assert what in said


@pytest.mark.parametrize("place", SECRET_PLACES)
@pytest.mark.parametrize(("text", "what"), DOUBTFUL)
def test_what_may_be_a_secret_is_sent_with_a_warning(place, text, what):
    (warning,) = declared(**SECRET_PLACES[place](text)).warnings
    assert warning.startswith(f"{place} looks like {what}")
    assert warning.endswith(SENT)


@pytest.mark.parametrize("place", SECRET_PLACES)
@pytest.mark.parametrize("text", MEANT)
def test_a_secret_is_a_secret(place, text):
    assert declared(**SECRET_PLACES[place](text)).warnings == ()


@pytest.mark.parametrize("place", NAMES)
@pytest.mark.parametrize(
    ("text", "what"),
    [("None", NOTHING), ("null", NOTHING), ("${X}", VARIABLE), ("a-${X}", VARIABLE)]
    + [("$REGION", VARIABLE), ("{{ x }}", TEMPLATE), ("<your-deployment>", BLANK)]
    + [("YOUR_DEPLOYMENT", BLANK), (CIPHERTEXT["Vault transit"], "(Vault transit)")],
)
def test_what_is_surely_no_name_is_refused(place, text, what):
    if place == "litellm_params:model" and "vault:" in text:
        return  # not at its beginning
    said = refused(**NAMES[place](text))
    assert f"{place} has {what}" in said or (what[0] == "(" and what in said)


@pytest.mark.parametrize(
    "url",
    ["https://<your-resource>.openai.azure.com", "http://None:8000/v1", "https://null.example.com"]
    + [
        "https://${HOST}/v1",
        "https://${var.host}/v1",
        "https://{{ host }}/v1",
        "https://example.com/None/v1",
    ],
)
def test_what_is_surely_no_url_is_refused(url):
    assert "model_api_base has " in refused(model_api_base=url)
    assert "model_api_base has " in refused(litellm_params={"api_base": url})


@pytest.mark.parametrize(
    "url",
    ["https://your-resource.openai.azure.com", "sdb://vault/base", "https://{region}.x.com"]
    + ["https://x.example.com/{{ path }}"],
)
def test_a_url_that_may_be_an_example_is_a_warning(url):
    assert any(one.endswith(SENT) for one in declared(model_api_base=url).warnings)


@pytest.mark.parametrize("place", OTHERS)
@pytest.mark.parametrize("text", ["None", "null", "${X}", "{{ x }}", "<your-team>", "sdb://a/b"])
def test_any_other_text_that_looks_like_it_is_a_warning(place, text):
    (warning,) = declared(**OTHERS[place](text)).warnings
    assert warning.startswith(f"{place} looks like ")


@pytest.mark.parametrize("place", OTHERS)
@pytest.mark.parametrize("text", CIPHERTEXT.values(), ids=CIPHERTEXT)
def test_ciphertext_is_refused_everywhere(place, text):
    if place.endswith("X-Team"):
        text = text.strip().replace("\n", "")  # a header is one line
    assert f"{place} has ciphertext" in refused(**OTHERS[place](text))


@pytest.mark.parametrize(
    "params",
    [
        {"reasoning_effort": "none", "tool_choice": "none", "stop": "\n"},
        {"bos_token": "<s>", "eos_token": "</s>\n", "stop_token": "<end_of_turn>"},
        {"roles": {"user": {"pre_message": "<|user|>\n"}}, "final_prompt_value": "\n"},
        {"chat_template": "{% for m in messages %}{{ m }}{% endfor %}", "mock_response": "a\n"},
        {"model": "openai/*"},
        {"metadata": {"customer_id": "one\n", "model": " two"}, "stop": "\n"},
        {"api_base": "https://your.example.com/v1", "organization": "nonesuch"},
        {"api_base": "os.environ/YOUR_API_BASE", "api_key": "os.environ/YOUR_API_KEY"},
    ],
)
def test_what_litellm_takes_as_it_is_stays_as_it_is(params):
    arguments = {"custom_llm_provider": None, "base_model": None} if "model" in params else {}
    wanted = declared(litellm_params=params, **arguments)
    assert wanted.warnings == ()
    for key, value in params.items():
        if isinstance(value, str):
            assert wanted.values[("litellm_params", key)] == value


@pytest.mark.parametrize("name", ["None", "${NAME}", "gpt-${NAME}"])
@pytest.mark.parametrize("key", ["name", "model_name"])
def test_no_row_is_named_by_what_is_left_over(key, name):
    assert refused(**{key: name}).startswith(f"{key} has ")
    with pytest.raises(InvalidInput, match=r"^name has .* instead of a value"):
        named(name, None)


@pytest.mark.parametrize("name", ["null", "{{ x }}", "<your-model>", "YOUR_MODEL", "a/None"])
@pytest.mark.parametrize("key", ["name", "model_name"])
def test_a_row_may_have_any_other_name(key, name):
    """Somebody may have named it so, and an export declares it."""
    (warning,) = declared(**{key: name}).warnings
    assert warning.startswith(f"{key} looks like ")
    assert named(name, None).name == name


def test_a_set_names_its_models_and_its_defaults():
    models = {"one": {"model_api_key": "None", **MINIMAL}, "two": {**MINIMAL}}
    models = {name: {k: v for k, v in one.items() if k != "name"} for name, one in models.items()}
    with pytest.raises(InvalidInput) as err:
        model_list.read("set", models, {"model_api_base": "${BASE}"}, lambda value: value)
    assert "one: model_api_key has the word None" in str(err.value)
    assert "defaults: model_api_base has a variable" in str(err.value)
    entry = {"model_name": "x", "litellm_params": {"model": "openai/x", "api_key": "{{ key }}"}}
    with pytest.raises(InvalidInput, match="x: model_api_key has a template"):
        model_list.read("set", [entry], None, lambda value: value)


def test_all_mistakes_are_named():
    arguments = {"model_api_key": "None", "litellm_params": {"api_base": "${X}", "x_key": "<key>"}}
    assert len(mistakes_in(arguments, lambda value: value)) == 3


def test_a_deployment_does_not_warn_without_end():
    params = {f"note_{number}": "None" for number in range(1000)}
    assert len(declared(litellm_params=params).warnings) == 21


# ---------------------------------------------------------------- profiles


def load(resolve=lambda value: value, **settings):
    given = {"url": "https://gw.example.com", "api_key": "sk-admin", **settings}
    return profiles.load(given, {}.get, resolve)


@pytest.mark.parametrize("key", ["api_key", "fingerprint_key"])
@pytest.mark.parametrize(("text", "what"), NO_SECRET)
def test_what_is_no_key_of_a_profile_is_refused(key, text, what):
    with pytest.raises(InvalidInput) as err:
        load(**{key: text})
    assert str(err.value).startswith(f"The {key} of the given profile has ")
    assert what in str(err.value)


@pytest.mark.parametrize("text", ["${X}", "{{ x }}", "None", "<your-key>", CIPHERTEXT["PGP"]])
def test_what_is_no_header_of_a_profile_is_refused(text):
    for value in (text, f"Bearer {text}"):
        if "PGP" not in value or value == text:
            with pytest.raises(InvalidInput, match="The header 'X-A' of the given profile has "):
                load(headers={"X-A": value})


@pytest.mark.parametrize(
    "url", ["https://${HOST}", "https://{{ host }}", "https://<your-gateway>", "https://None:4000"]
)
def test_what_is_no_url_of_a_profile_is_refused(url):
    with pytest.raises(InvalidInput, match="The url of the given profile has "):
        load(url=url)


@pytest.mark.parametrize("name", ["None", "{{ name }}", ["prod", "${NAME}"]])
def test_what_is_no_name_of_a_gateway_is_refused(name):
    with pytest.raises(InvalidInput, match="gateway_name of the given profile has "):
        load(gateway_name=name)


@pytest.mark.parametrize("key", ["url", "api_key", "fingerprint_key"])
def test_a_profile_has_no_reference_of_litellms(key):
    with pytest.raises(InvalidInput, match=r"os\.environ/ reference, which only LiteLLM follows"):
        load(**{key: "os.environ/KEY"})


def test_a_key_of_a_profile_that_looks_like_an_example_is_a_warning():
    found = load(api_key="changeme", fingerprint_key="xxx", headers={"X-Key": "TODO"}).warnings
    assert [one.partition(" looks")[0] for one in found] == [
        "The api_key of the given profile",
        "The fingerprint_key of the given profile",
        "The header 'X-Key' of the given profile",
    ]
