from pathlib import Path

import pytest

from contract.providers import KINDS, KINDS_WITHOUT_ADDRESS
from service.errors import SettingsError
from service.providers.catalogue import CATALOGUE
from service.settings import load_settings, parse_settings
from service.state.key_ring import load_keys
from tests.service.kit import ProcessUnderTest, key_entry, write_keys

pytestmark = [pytest.mark.servers]

GOOD = """
providers:
  alpha: {kind: openai-compatible, base_url: "http://alpha:8090/v1"}
models:
  fast: {targets: [{provider: alpha, model: sim-small}]}
"""


def test_omitted_settings_have_documented_defaults() -> None:
    settings = parse_settings(GOOD, "test")
    assert (settings.listen.port, settings.health.port) == (8080, 8081)
    assert settings.timeouts.connect.seconds == 2
    assert settings.admission.max_in_flight == 256
    assert settings.state.kind == "memory"


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("lisen: {port: 1}", ["lisen", "not permitted"]),
        ("listen: {port: 70000}", ["listen.port", "65535", "70000"]),
        ("replicas: 0", ["replicas", "greater than or equal to 1", "got 0"]),
        ("timeouts: {gap: never}", ["gateway.yaml: timeouts.gap: must be a duration", "'never'"]),
        ("shutdown: {serve: 9s, grace: 10s}", ["shutdown", "more than", "14"]),
        ("state: {kind: mysql}", ["state", "'memory', 'redis'"]),
        ("state: {kind: redis, sentinels: [nowhere]}", ["state.redis.sentinels.0", "'nowhere'"]),
        ("api_keys_file: ../etc/passwd", ["api_keys_file", "../etc/passwd"]),
    ],
)
def test_invalid_setting_is_one_line_with_key_and_value(line: str, parts: list[str]) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_settings(GOOD + line, "gateway.yaml")
    message = str(raised.value)
    assert "\n" not in message
    assert all(part in message for part in ["gateway.yaml", *parts]), message


def test_settings_in_the_earlier_form_are_read() -> None:
    old = """
drain: {serve_seconds: 0.5, grace_seconds: 30}
admission: {queue: 3, deadline_seconds: 600.0}
timeouts: {connect_seconds: 1.1, quiet: 7s}
degradation: {stale_seconds: 86400.0}
"""
    new = """
shutdown: {serve: 500ms, grace: 30s}
admission: {queue: 3, deadline: 10m}
timeouts: {connect: 1100ms, quiet: 7s}
degradation: {stale_answers: 24h}
"""
    model = "{targets: [{provider: alpha, model: a}], timeouts: {%s}}"
    in_old = parse_settings(f"{GOOD}  slow: {model % 'gap_seconds: 90'}{old}", "test")
    assert in_old == parse_settings(f"{GOOD}  slow: {model % 'gap: 90s'}{new}", "test")
    assert in_old.models["slow"].timeouts.gap is not None


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("timeouts: {gap_seconds: 1, gap: 2s}", "gap_seconds"),
        ("shutdown: {serve: 1s}\ndrain: {serve_seconds: 1}", "drain"),
        ("timeouts: {gap_seconds: true}", "gap"),
        ("timeouts: {gap_seconds: .nan}", "gap"),
        ("timeouts: {gap_seconds: -1}", "gap"),
        ("timeouts: [gap_seconds]", "timeouts"),
        ("drain: 5", "shutdown"),
    ],
)
def test_invalid_settings_in_the_earlier_form_are_refused(line: str, key: str) -> None:
    with pytest.raises(SettingsError, match=key):
        parse_settings(GOOD + line, "test")


def test_error_for_an_invalid_setting_hides_credentials() -> None:
    for base_url in ("ftp://user:hunter2@alpha", "http://user:hun ter2@alpha"):
        with pytest.raises(SettingsError, match=r"base_url.*alpha") as raised:
            parse_settings(GOOD.replace("http://alpha:8090/v1", base_url), "test")
        assert "ter2" not in str(raised.value)
    with pytest.raises(SettingsError, match="api_key") as raised:
        parse_settings(GOOD.replace("{kind:", "{api_key: hunter2, kind:"), "test")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        '{"keys": [{"id": "hunter2',
        '{"keys": [{"id": "a", "tenant": "t", "sha256": "hunter2"}]}',
        '{"keys": [{"id": "a b hunter2", "tenant": "t", "sha256": "x"}]}',
        '{"hunter2": []}',
        '"hunter2"',
    ],
)
def test_error_for_an_invalid_key_file_hides_its_values(folder: Path, text: str) -> None:
    path = folder / "api-keys.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"api-keys\.json") as raised:
        load_keys(path)
    assert "hunter2" not in str(raised.value)


def test_the_schema_and_the_catalogue_have_the_same_kinds_of_providers() -> None:
    assert set(KINDS) == set(CATALOGUE)
    without = {name for name, kind in CATALOGUE.items() if kind.base_url is None}
    assert without == KINDS_WITHOUT_ADDRESS


def test_target_with_an_unknown_provider_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"models\.fast names provider 'gamma'.*alpha"):
        parse_settings(GOOD.replace("provider: alpha", "provider: gamma"), "test")


def test_mixed_weights_within_one_priority_are_refused() -> None:
    pair = "[{provider: alpha, model: a, weight: 9}, {provider: alpha, model: b, priority: 0}]"
    with pytest.raises(SettingsError, match=r"fast: .*priority 0: all have a weight, or none"):
        parse_settings(GOOD.replace("[{provider: alpha, model: sim-small}]", pair), "test")


@pytest.mark.parametrize("text", ["a: [", "just words", "", "- list"])
def test_settings_that_are_not_a_mapping_are_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_settings(text, "test")


def test_missing_settings_file_is_named(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read the settings file .*none\.yaml"):
        load_settings(folder / "none.yaml")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ("openai-compatible", "providers.alpha.kind: Input should be 'openai'"),
        ("", "unknown_key"),
    ],
)
def test_process_exits_with_one_line_and_code_2_on_invalid_settings(
    folder: Path, change: str, part: str
) -> None:
    """Starts a real interpreter, as users do, instead of a fork; see the kit."""
    config = folder / "gateway.yaml"
    text = GOOD + f"secrets_dir: {folder}\n"
    text = text.replace(change, "no-such-kind") if change else text + "unknown_key: 1\n"
    config.write_text(text, encoding="utf-8")
    write_keys(folder / "api-keys.json", key_entry())
    process = ProcessUnderTest(
        ["service"], folder / "log", {"SEAWALL_CONFIG": str(config)}, fresh=True
    )
    assert process.wait_for_exit(60) == 2
    assert part in process.output
    assert len(process.output.strip().splitlines()) == 1, process.output


def test_the_process_does_not_start_without_its_api_keys(folder: Path) -> None:
    config = folder / "gateway.yaml"
    config.write_text(GOOD + f"secrets_dir: {folder}\n", encoding="utf-8")
    process = ProcessUnderTest(["service"], folder / "log", {"SEAWALL_CONFIG": str(config)})
    assert process.wait_for_exit(60) == 2
    assert "cannot read the API keys" in process.output
