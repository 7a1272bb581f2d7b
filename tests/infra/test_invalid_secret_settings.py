"""Secret stores that do not fit the rest of the configuration are refused."""

from infra.parsing import parse
from infra.secret_names import secret_names
from tests.infra.environments import Values, changed, complete, refusal


def test_secret_store_errors_name_the_configuration_keys() -> None:
    values = complete("prod")
    del values["seawall:secret_store"]["role"]
    assert refusal(values) == "seawall:secret_store.role is missing"
    message = refusal(changed(complete("prod"), "secret_store.region", "eu-west-1"))
    assert message == (
        'seawall:secret_store.region = "eu-west-1" is not known; allowed here: auth_mount, '
        "ca_config_map, kind, mount, path, refresh, role, server"
    )


def test_generated_secrets_are_refused_in_a_shared_state(values: Values) -> None:
    state = {"backend": "s3://example?region=eu-west-1", "secrets_provider": "passphrase"}
    message = refusal(changed(values, "state", state))
    assert message == (
        'seawall:secret_store.kind = "generated" keeps secrets in the state, and '
        'seawall:state.backend = "s3://example?region=eu-west-1" is shared; '
        "refer to vault or aws-secrets-manager instead"
    )


def test_removal_by_the_job_is_refused_if_its_role_cannot_delete() -> None:
    own = {"name": "example-backups", "prefix": "seawall/prod", "days": 30}
    aws = {"region": "eu-west-1", "backup_bucket": own}
    values = changed(complete("prod"), "aws", aws)
    told = 'seawall:backup.removal = "job" may not delete in "example-backups", which seawall:aws'
    assert refusal(values).startswith(told)
    parse(changed(values, "backup.removal", "bucket"))


def test_generated_storage_keys_are_refused() -> None:
    values = changed(complete("prod"), "state", {"backend": "file:///srv/state"})
    values = changed(values, "state.secrets_provider", "passphrase")
    values = changed(values, "secret_store", {"kind": "generated"})
    message = refusal(changed(values, "backup.credentials", "secret"))
    assert message.startswith('seawall:backup.credentials = "secret" needs keys that the storage')


def test_generated_secrets_are_allowed_with_a_folder_state(values: Values) -> None:
    state = {"backend": "file:///srv/state", "secrets_provider": "passphrase"}
    given = parse(changed(values, "state", state)).state
    assert given is not None
    assert not given.is_shared


def test_secret_names_include_all_provider_and_client_keys(values: Values) -> None:
    names = secret_names(parse(values))
    assert {"api-key-local", "provider-alpha", "provider-beta"} <= set(names)
    assert len(names) == len(set(names)) == 9


def test_no_secret_names_are_needed_with_a_secret_store() -> None:
    assert secret_names(parse(complete("prod"))) == ()
