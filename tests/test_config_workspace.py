"""A workspace can only tighten, whatever its file says."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import cast, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.budget_settings import EACH, NO_CEILINGS, RUNGS, Budgets, Rungs, WorkspaceBudgets
from farebox.completion_settings import CompletionSettings, WorkspaceCompletion
from farebox.config import (
    WORKSPACE_FILE,
    Config,
    Privacy,
    SecretsPolicy,
    Section,
    WorkspaceConfig,
    WorkspacePrivacy,
    load,
    tighten,
)
from farebox.errors import ConfigError
from support.settings import check, leaves

NAMED = {"providers": ("mine", "other", "third"), "workspaces": ("/ws/mine", "/ws/other", "/ws/third")}
BARE = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)


Tighter = Callable[[Config, Config], bool]


Amount = Decimal | int | None


def amounts(budgets: Budgets | WorkspaceBudgets, path: tuple[str, ...]) -> tuple[Amount, ...]:
    """Return what a setting of the budgets comes to, for each name where it is in a table of names."""
    match path:
        case (table, _, period) if table in NAMED:
            of = {"providers": lambda name: budgets.providers.get(name, NO_CEILINGS)}
            read = of.get(table, budgets.of_workspace)
            return tuple(getattr(read(name), period) for name in NAMED[table])
        case _:
            value: object = budgets
            for part in path:
                value = getattr(value, part)
            return (cast("Amount", value),)


def lowest(*given_amounts: Amount) -> Amount:
    return min((amount for amount in given_amounts if amount is not None), default=None)


def lower_at(path: tuple[str, ...]) -> Tighter:
    def tighter(before: Config, after: Config) -> bool:
        pairs = zip(amounts(before.budgets, path), amounts(after.budgets, path), strict=True)
        return all(was is None or (now is not None and now <= was) for was, now in pairs)

    return tighter


OF_BUDGETS = [path[1:] for path in leaves(WorkspaceConfig) if path[0] == "budgets"]
POLICIES: list[SecretsPolicy] = ["send", "mask", "block"]
TIGHTER: dict[tuple[str, ...], Tighter] = {
    **{("budgets", *path): lower_at(path) for path in OF_BUDGETS},
    ("privacy", "local_only"): lambda before, after: after.privacy.local_only >= before.privacy.local_only,
    ("privacy", "exclude"): lambda before, after: (
        after.privacy.exclude[: len(before.privacy.exclude)] == before.privacy.exclude
    ),
    ("privacy", "gitignore"): lambda before, after: after.privacy.gitignore >= before.privacy.gitignore,
    ("privacy", "secrets"): lambda before, after: (
        POLICIES.index(after.privacy.secrets) >= POLICIES.index(before.privacy.secrets)
    ),
    ("completion", "enabled"): lambda before, after: after.completion.enabled <= before.completion.enabled,
    ("completion", "context"): lambda before, after: after.completion.context <= before.completion.context,
    ("completion", "embedded"): lambda before, after: after.completion.embedded <= before.completion.embedded,
    ("completion", "disabled_languages"): lambda before, after: (
        {*after.completion.disabled_languages} >= {*before.completion.disabled_languages}
    ),
    # The last pattern that names a file decides, so what comes after the user's may only switch off more.
    ("completion", "disabled_files"): lambda before, after: (
        after.completion.disabled_files[: len(before.completion.disabled_files)]
        == before.completion.disabled_files
        and not any(
            pattern.lstrip().startswith("!")
            for pattern in after.completion.disabled_files[len(before.completion.disabled_files) :]
        )
    ),
}
SETTINGS = list(leaves(Config))
OF_A_WORKSPACE = list(leaves(WorkspaceConfig))
REFUSED = [pytest.param(path, id=".".join(path)) for path in SETTINGS if path not in OF_A_WORKSPACE]

USD = st.none() | st.decimals(0, 100, places=2)
NAMES = st.lists(st.sampled_from(["a/**", "*.sql", "python", "lua"]), max_size=3)
FILES = st.sampled_from([[], ["a/**"], ["*.sql", "a/**"]])


def tables(schema: type[Section]) -> st.SearchStrategy[Section]:
    """Draw any table of budgets, every setting of it that there is."""
    return st.builds(
        schema, **{name: values(name, field.annotation) for name, field in schema.model_fields.items()}
    )


def values(name: str, kind: object) -> st.SearchStrategy[object]:
    if isinstance(kind, type) and issubclass(kind, Rungs):
        return st.lists(st.none() | st.integers(1, 100), min_size=4, max_size=4).map(partial(climb, kind))
    if isinstance(kind, type) and issubclass(kind, Section):
        return tables(kind)
    if get_origin(kind) is dict:
        return st.dictionaries(st.sampled_from([*NAMED[name][:2], EACH]), tables(get_args(kind)[1]))
    assert name.endswith("_usd"), "what would be tighter?"
    return USD


def climb(schema: type[Rungs], percents: list[int | None]) -> Rungs:
    """Use some of the rungs, each above the one before."""
    sorted_percents = iter(sorted(percent for percent in percents if percent is not None))
    return schema(
        **{
            rung: next(sorted_percents)
            for rung, percent in zip(RUNGS, percents, strict=True)
            if percent is not None
        }
    )


def drawn(
    schema: type[Section], of: type[Section], **fields: st.SearchStrategy[object]
) -> st.SearchStrategy[Section]:
    """Draw a table: none of the settings that a workspace has there may be left at its default."""
    assert {*of.model_fields} <= {*fields}, "a setting of workspaces is not drawn"
    return st.builds(schema, **fields)


CONFIGS = drawn(
    Config,
    WorkspaceConfig,
    strategy=st.sampled_from(["cheap", "balanced", "quality"]),
    models=st.dictionaries(BARE, BARE, max_size=2),
    budgets=tables(Budgets),
    privacy=drawn(
        Privacy,
        WorkspacePrivacy,
        local_only=st.booleans(),
        exclude=NAMES,
        gitignore=st.booleans(),
        secrets=st.sampled_from(POLICIES),
    ),
    completion=drawn(
        CompletionSettings,
        WorkspaceCompletion,
        enabled=st.booleans(),
        context=st.booleans(),
        embedded=st.booleans(),
        disabled_languages=NAMES,
        disabled_files=FILES,
        debounce_ms=st.integers(0, 5000),
    ),
)
WORKSPACES = drawn(
    WorkspaceConfig,
    WorkspaceConfig,
    budgets=tables(WorkspaceBudgets),
    privacy=drawn(
        WorkspacePrivacy,
        WorkspacePrivacy,
        local_only=st.sampled_from([None, True]),
        exclude=NAMES,
        gitignore=st.sampled_from([None, True]),
        secrets=st.sampled_from([None, "mask", "block"]),
    ),
    completion=drawn(
        WorkspaceCompletion,
        WorkspaceCompletion,
        enabled=st.sampled_from([None, False]),
        context=st.sampled_from([None, False]),
        embedded=st.sampled_from([None, False]),
        disabled_languages=NAMES,
        disabled_files=FILES,
    ),
)


@pytest.mark.parametrize("path", REFUSED)
def test_a_workspace_is_refused_what_could_loosen(
    user_file: Path, workspace_file: Path, path: tuple[str, ...]
):
    workspace_file.write_text(f"\n{'.'.join(path)} = 1\n", "utf-8")
    with pytest.raises(ConfigError) as raised:
        check(user_file, workspaces=(workspace_file,))
    refused = next(
        path[:depth]
        for depth in range(1, len(path) + 1)
        if path[:depth] not in {allowed[:depth] for allowed in OF_A_WORKSPACE}
    )
    assert raised.value.message == (
        f"{workspace_file}, line 2: {'.'.join(refused)} can't be set by a workspace"
    )
    assert "can only tighten" in raised.value.hint


def test_credentials_addresses_and_commands_are_among_what_is_refused():
    refused = {path.values[0] for path in REFUSED}
    assert {("providers", "mine", "base_url"), ("providers", "mine", "key_env"), ("strategy",)} <= refused
    assert {path[0] for path in OF_A_WORKSPACE} == {"budgets", "privacy", "completion"}


def test_every_setting_of_a_workspace_has_a_meaning_of_tighter():
    assert set(TIGHTER) == set(OF_A_WORKSPACE)
    assert set(OF_A_WORKSPACE) <= set(SETTINGS)


@given(config=CONFIGS, workspace=WORKSPACES)
def test_a_workspace_never_loosens(config: Config, workspace: WorkspaceConfig):
    after = tighten(config, workspace)
    assert [path for path, tighter in TIGHTER.items() if not tighter(config, after)] == []
    for path in (path for path in SETTINGS if path not in OF_A_WORKSPACE):
        before_value, after_value = (at(config, path), at(after, path))
        assert before_value == after_value, path


def at(config: object, path: tuple[str, ...]) -> object:
    for part in path:
        config = config.get(part) if isinstance(config, dict) else getattr(config, part, None)
    return config


@given(config=CONFIGS, workspace=WORKSPACES)
def test_a_workspace_is_obeyed_as_far_as_it_tightens(config: Config, workspace: WorkspaceConfig):
    after = tighten(config, workspace)
    for path in OF_BUDGETS:
        both = zip(amounts(config.budgets, path), amounts(workspace.budgets, path), strict=True)
        assert amounts(after.budgets, path) == tuple(lowest(*each) for each in both), path
    assert {*after.privacy.exclude} == {*config.privacy.exclude, *workspace.privacy.exclude}
    assert {*after.completion.disabled_languages} == {
        *config.completion.disabled_languages,
        *workspace.completion.disabled_languages,
    }
    assert after.privacy.local_only == (config.privacy.local_only or workspace.privacy.local_only is True)
    assert after.privacy.gitignore == (config.privacy.gitignore or workspace.privacy.gitignore is True)
    asked_policy = workspace.privacy.secrets or "send"
    assert after.privacy.secrets == max(config.privacy.secrets, asked_policy, key=POLICIES.index)
    assert after.completion.disabled_files == [
        *config.completion.disabled_files,
        *workspace.completion.disabled_files,
    ]
    for switch in ("enabled", "context", "embedded"):
        was, asked = getattr(config.completion, switch), getattr(workspace.completion, switch)
        assert getattr(after.completion, switch) == (was and asked is not False)


@given(config=CONFIGS, first=WORKSPACES, second=WORKSPACES)
def test_two_workspaces_tighten_alike_in_either_order(
    config: Config, first: WorkspaceConfig, second: WorkspaceConfig
):
    one, other = tighten(tighten(config, first), second), tighten(tighten(config, second), first)
    assert one.budgets == other.budgets
    assert one.privacy.local_only == other.privacy.local_only
    assert sorted(one.privacy.exclude) == sorted(other.privacy.exclude)
    assert one.completion.enabled == other.completion.enabled
    assert (one.completion.context, one.completion.embedded) == (
        other.completion.context,
        other.completion.embedded,
    )
    assert sorted(one.completion.disabled_files) == sorted(other.completion.disabled_files)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            "[privacy]\nlocal_only = false\n",
            "privacy.local_only: a workspace can only set it to true",
            id="local-only-off",
        ),
        pytest.param(
            "[privacy]\ngitignore = false\n",
            "privacy.gitignore: a workspace can only set it to true",
            id="ignored-files-let-go",
        ),
        pytest.param("[privacy]\nsecrets = 'send'\n", "privacy.secrets", id="secrets-let-go"),
        pytest.param(
            "[completion]\nenabled = true\n",
            "completion.enabled: a workspace can only set it to false",
            id="completion-on",
        ),
        pytest.param(
            "[completion]\ncontext = true\n",
            "completion.context: a workspace can only set it to false",
            id="context-on",
        ),
        pytest.param(
            "[completion]\nembedded = true\n",
            "completion.embedded: a workspace can only set it to false",
            id="embedded-on",
        ),
        pytest.param(
            '[completion]\ndisabled_files = ["!*.py"]\n',
            "completion.disabled_files: a workspace can only switch off more",
            id="a-file-on",
        ),
        pytest.param("[budgets]\ndaily_usd = -1\n", "budgets.daily_usd", id="a-negative-budget"),
        pytest.param("[privacy]\nlocal_onl = true\n", "privacy.local_onl", id="a-slip"),
        pytest.param("[tool]\nx = 1\n", "tool", id="an-unknown-table"),
    ],
)
def test_a_workspace_file_has_its_errors_named_too(
    user_file: Path, workspace_file: Path, text: str, words: str
):
    workspace_file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as raised:
        check(user_file, workspaces=(workspace_file,))
    assert str(workspace_file) in raised.value.message
    assert words in raised.value.message


def test_workspace_files_tighten_one_after_the_other(user_file: Path, tmp_path: Path):
    files = (tmp_path / "one.toml", tmp_path / "two.toml", tmp_path / "absent.toml")
    files[0].write_text('[budgets]\ndaily_usd = 3\n[privacy]\nexclude = ["b"]\n', "utf-8")
    files[1].write_text(
        '[budgets]\ndaily_usd = 9\nmonthly_usd = 20\n[privacy]\nlocal_only = true\nexclude = ["c"]\n', "utf-8"
    )
    config = check(
        user_file, '[budgets]\ndaily_usd = 5\n[privacy]\nexclude = ["a"]\n', client={}, workspaces=files
    )
    assert config.budgets == Budgets(daily_usd=Decimal(3), monthly_usd=Decimal(20))
    assert config.privacy == Privacy(local_only=True, exclude=["a", "b", "c"])


def test_the_clients_settings_do_not_undo_a_workspace(user_file: Path, workspace_file: Path):
    workspace_file.write_text("[privacy]\nlocal_only = true\n[budgets]\ndaily_usd = 1\n", "utf-8")
    client: dict[str, object] = {"privacy": {"local_only": False}, "budgets": {"daily_usd": 100}}
    config = check(user_file, client=client, workspaces=(workspace_file,))
    assert config.privacy.local_only
    assert config.budgets.daily_usd == 1


@pytest.mark.parametrize("pattern", ["!secret/**", " !*"])
def test_a_workspace_can_not_let_out_what_the_user_keeps_in(tmp_path: Path, pattern: str):
    user, workspace = tmp_path / "config.toml", tmp_path / WORKSPACE_FILE
    user.write_text('[privacy]\nexclude = ["secret/**"]\n')
    workspace.write_text(f'[privacy]\nexclude = ["{pattern}"]\n')
    with pytest.raises(ConfigError, match=r"line 2: privacy.exclude: a workspace can only exclude more"):
        load(environment={}, user_file=user, workspace_files=[workspace])
