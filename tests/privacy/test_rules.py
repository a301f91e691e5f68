"""Which files stay on the machine, however their paths are spelled."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.config import Privacy
from farebox.errors import ConfigError, Excluded
from farebox.privacy.rules import SECRET_FILES, SECRET_FOLDERS, Look, Rules, check, kept, rules_from

ROOTS = ("/ws/app", "/ws/lib")


def rule(source: str, *exclude: str, roots: tuple[str, ...] = ROOTS) -> str | None:
    """Return the pattern that keeps a file."""
    found = Look(Rules(roots, exclude)).kept(source)
    return found.partition(": ")[2] or found if found is not None else None


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        pytest.param(".env", ".env", id="env"),
        pytest.param(".env.local", ".env.*", id="env-of-a-stage"),
        pytest.param("server.pem", "*.pem", id="pem"),
        pytest.param("server.key", "*.key", id="key"),
        pytest.param("store.p12", "*.p12", id="p12"),
        pytest.param("store.pfx", "*.pfx", id="pfx"),
        pytest.param("app.keystore", "*.keystore", id="keystore"),
        pytest.param("id_rsa", "id_rsa*", id="rsa"),
        pytest.param("id_ed25519.bak", "id_ed25519*", id="ed25519"),
        pytest.param("id_ecdsa", "id_ecdsa*", id="ecdsa"),
        pytest.param(".netrc", ".netrc", id="netrc"),
        pytest.param(".npmrc", ".npmrc", id="npmrc"),
        pytest.param(".pypirc", ".pypirc", id="pypirc"),
        pytest.param(".git/config", ".git/", id="git"),
        pytest.param(".ssh/config", ".ssh/", id="ssh"),
        pytest.param(".ssh/.env.example", ".ssh/", id="ssh-whatever-it-is-called"),
        pytest.param(".aws/credentials", ".aws/", id="aws"),
        pytest.param(".gnupg/secring.gpg", ".gnupg/", id="gnupg"),
        pytest.param("credentials.json", "credentials.json", id="credentials"),
        pytest.param("secrets.toml", "secrets.toml", id="secrets"),
        pytest.param("secrets.yml", "secrets.y*ml", id="secrets-in-yaml"),
        pytest.param("prod.env", "*.env", id="env-by-its-ending"),
        pytest.param(".envrc", ".envrc", id="direnv"),
        pytest.param(".git-credentials", ".git-credentials", id="git-credentials"),
        pytest.param(".pgpass", ".pgpass", id="postgres"),
        pytest.param(".htpasswd", ".htpasswd", id="web-server"),
        pytest.param(".kube/config", ".kube/", id="kubernetes"),
        pytest.param("kubeconfig", "kubeconfig", id="kubernetes-elsewhere"),
        pytest.param(".docker/config.json", ".docker/", id="docker"),
        pytest.param("service-account-prod.json", "service[-_]account*.json", id="google-service"),
        pytest.param(".config/gcloud/access_tokens.db", "**/.config/gcloud/", id="google"),
        pytest.param("prod.tfstate.backup", "*.tfstate.*", id="terraform"),
        pytest.param("pass.kdbx", "*.kdbx", id="keepass"),
        pytest.param("login.ppk", "*.ppk", id="putty"),
        pytest.param(".env~", "*.env~", id="env-as-an-editor-leaves-it"),
        pytest.param(".env_old", ".env[-_]*", id="env-put-aside"),
        pytest.param(".vault-token", ".vault-token", id="vault"),
        pytest.param(".my.cnf", ".my.cnf", id="mysql"),
        pytest.param(".dockercfg", ".dockercfg", id="docker-before"),
        pytest.param(".s3cfg", ".s3cfg", id="s3cmd"),
        pytest.param("terraform.tfvars.json", "*.tfvars.json", id="terraform-variables"),
        pytest.param(".cargo/credentials.toml", "**/.cargo/credentials.toml", id="cargo"),
        pytest.param(".config/gh/hosts.yml", "**/.config/gh/", id="github"),
    ],
)
def test_a_secret_file_stays_in_whatever_case(name: str, pattern: str):
    for spelled in (name, name.upper(), name.title(), name.swapcase()):
        assert rule(f"/ws/app/deep/{spelled}") == pattern
        assert rule(spelled) == pattern
        assert rule(f"/elsewhere/{spelled}", roots=()) == pattern
    assert pattern in (*SECRET_FOLDERS, *SECRET_FILES)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("/ws/app/main.py", id="code"),
        pytest.param("/ws/app/.env.example", id="the-example-of-an-env"),
        pytest.param("/ws/app/.ENV.Example", id="the-example-in-another-case"),
        pytest.param("/ws/app/.env_example", id="the-example-with-an-underscore"),
        pytest.param("/ws/app/environment.py", id="a-name-that-begins-alike"),
        pytest.param("/ws/app/keys.py", id="a-name-that-ends-alike"),
        pytest.param("/ws/app/.github/workflows/test.yml", id="github"),
        pytest.param("/ws/app/secrets.py", id="code-about-secrets"),
        pytest.param("/ws/app/é😀 .py", id="any-letter"),
        pytest.param("untitled:Untitled-1", id="no-file-yet"),
        pytest.param("", id="nothing"),
    ],
)
def test_other_files_may_leave(source: str):
    assert rule(source) is None
    check([source], Rules(ROOTS))


@pytest.mark.parametrize(
    ("source", "exclude", "pattern"),
    [
        pytest.param("/ws/app/secrets/a.txt", ["secrets/**"], "secrets/**", id="below-a-root"),
        pytest.param("/ws/lib/secrets/a.txt", ["secrets/**"], "secrets/**", id="below-another-root"),
        pytest.param("/ws/app/x/secrets/a.txt", ["secrets/**"], None, id="a-slash-anchors"),
        pytest.param("/ws/app/x/secrets/a.txt", ["secrets/"], "secrets/", id="a-folder-anywhere"),
        pytest.param("/ws/app/a.sql", ["/*.sql"], "/*.sql", id="only-at-the-root"),
        pytest.param("/ws/app/x/a.sql", ["/*.sql"], None, id="not-below-it"),
        pytest.param("/ws/app/x/a.sql", ["*.sql"], "*.sql", id="anywhere"),
        pytest.param("/other/a.sql", ["*.sql"], "*.sql", id="outside-the-roots"),
        pytest.param("/other/secrets/a", ["/other/secrets"], "/other/secrets", id="an-absolute-pattern"),
        pytest.param("/ws/application/secrets/a", ["/secrets"], None, id="a-root-is-a-whole-folder"),
        pytest.param("secrets/a.txt", ["secrets/**"], "secrets/**", id="a-relative-path"),
        pytest.param("./secrets/a.txt", ["secrets/**"], "secrets/**", id="a-dot"),
        pytest.param("/ws/app/x/../secrets/a.txt", ["secrets/**"], "secrets/**", id="two-dots"),
        pytest.param("/ws/lib/../app/secrets/a.txt", ["secrets/**"], "secrets/**", id="two-dots-over-a-root"),
        pytest.param("//ws/app//secrets/a.txt", ["secrets/**"], "secrets/**", id="double-slashes"),
        pytest.param("/ws/app/a.log", ["*.log", "!a.log"], None, id="taken-back"),
        pytest.param("/ws/app/b.log", ["*.log", "!a.log"], "*.log", id="another-one-taken-back"),
        pytest.param("/ws/app/.env", ["!.env"], ".env", id="a-secret-file-is-never-taken-back"),
        pytest.param("/ws/app/a.log", ["# logs", "", "*.log"], "*.log", id="comments-and-blank-lines"),
        pytest.param("/ws/app/a.py", [], None, id="no-pattern"),
    ],
)
def test_patterns_are_relative_to_the_roots(source: str, exclude: list[str], pattern: str | None):
    assert rule(source, *exclude) == pattern


@pytest.mark.parametrize(
    ("source", "pattern"),
    [
        pytest.param(r"C:\Users\me\.env", ".env", id="env"),
        pytest.param(r"C:\Users\me\.SSH\config", ".ssh/", id="folder"),
        pytest.param(r"c:\ws\secrets\a.txt", "secrets/**", id="below-a-root"),
        pytest.param("c:/ws/secrets/a.txt", "secrets/**", id="below-a-root-with-slashes"),
        pytest.param(r"c:\ws\x\..\secrets\a.txt", "secrets/**", id="two-dots"),
        pytest.param(r"\\server\share\.env", ".env", id="a-share"),
        pytest.param(r"c:\ws\main.py", None, id="code"),
    ],
)
def test_a_path_may_be_written_as_on_windows(source: str, pattern: str | None):
    assert rule(source, "secrets/**", roots=(r"c:\ws",)) == pattern


def test_a_refusal_names_the_file_the_rule_and_what_holds():
    with pytest.raises(Excluded) as raised:
        check(["/ws/app/main.py", "/ws/app/deep/.env.local"], Rules(ROOTS))
    assert raised.value.message == "deep/.env.local stays on this machine (secret files: .env.*)"
    assert "[privacy] exclude" in raised.value.hint
    assert "/ws/app" not in raised.value.message


def test_one_excluded_source_refuses_the_whole_request():
    with pytest.raises(Excluded, match=r"a\.sql"):
        check(["/ws/app/main.py", "/ws/app/a.sql"], Rules(ROOTS, ("*.sql",)))


def test_a_malformed_pattern_refuses_everything_and_is_named():
    with pytest.raises(ConfigError, match=r"\[privacy\] exclude") as raised:
        check(["/ws/app/main.py"], Rules(ROOTS, ("!",)))
    assert "gitignore" in raised.value.hint


def test_a_folder_with_a_line_end_in_its_name_hides_nothing():
    assert rule("/ws/a\nb/.env") == ".env"
    assert rule("/ws/app/a\nb/mine.sql", "*.sql") == "*.sql"


@pytest.mark.timeout(20)
def test_a_hostile_pattern_is_answered_at_once():
    hostile = "*a*a*a*a*a*a*a*a*a*a*a*ab"
    assert rule(f"/ws/app/{'a' * 63}", hostile) is None
    assert rule(f"/ws/app/{'a' * 63}b", hostile) == hostile


SEGMENTS = st.lists(st.sampled_from(["a", "b", ".", "x/..", "c d", "é"]), max_size=5)


@given(before=SEGMENTS, name=st.sampled_from([".env", "ID_RSA", "a.Key", ".git/HEAD"]), root=st.booleans())
def test_no_spelling_of_a_path_lets_a_secret_file_out(before: list[str], name: str, root: bool):
    path = "/".join([*before, name])
    for spelled in (path, path.replace("/", "\\")):
        assert rule(("/ws/app/" if root else "") + spelled) is not None


@given(source=st.text(), exclude=st.lists(st.sampled_from(["*.py", "/a", "b/**", "!c", "", "#", "[a]"])))
def test_any_path_has_an_answer(source: str, exclude: list[str]):
    found = rule(source, *exclude)
    assert found is None or found in (*SECRET_FOLDERS, *SECRET_FILES, *exclude)


@pytest.mark.parametrize(
    ("source", "exclude", "pattern"),
    [
        pytest.param("/ws/app/secrets/plan.md", ["!*.md", "secrets/"], "secrets/", id="a-folder-after-it"),
        pytest.param("/ws/app/secrets/plan.md", ["secrets/", "!*.md"], "secrets/", id="a-folder-before-it"),
        pytest.param("/ws/app/notes/plan.md", ["notes/*", "!*.md"], None, id="files-that-are-taken-back"),
        pytest.param("/ws/app/Private/a.py", ["private"], "private", id="a-folder-in-capitals"),
        pytest.param("/ws/app/private/a.py", ["PRIVATE/"], "PRIVATE/", id="a-pattern-in-capitals"),
        pytest.param("c:/priv/a.py", ["C:/priv/"], "C:/priv/", id="a-drive-as-editors-spell-it"),
        pytest.param("/" + "x/" * 20_000, [], "a path longer than any file's", id="no-file-at-all"),
    ],
)
def test_nothing_of_an_excluded_folder_leaves_however_it_is_spelled(
    source: str, exclude: list[str], pattern: str | None
):
    assert rule(source, *exclude) == pattern


def test_many_sources_are_as_quick_as_they_are_different():
    exclude = tuple(["*" + "?" * 120 + "b*"] * 60)
    begun = time.process_time()
    check(["/ws/app/" + "a" * 200] * 10_000, Rules(ROOTS, exclude))
    assert time.process_time() - begun < 2


@pytest.mark.skipif(os.name != "posix", reason="links need a right of their own on Windows")
@pytest.mark.parametrize("way", ["file", "folder", "root", "real-root"])
def test_a_link_hides_nothing(tmp_path: Path, way: str):
    real, linked = tmp_path / "real", tmp_path / "linked"
    (real / "secrets").mkdir(parents=True)
    (real / "secrets" / "plan.py").write_text("x", "utf-8")
    linked.symlink_to(real)
    (real / "notes.py").symlink_to("secrets/plan.py")
    (real / "notes").symlink_to("secrets")
    source, root = {
        "file": (real / "notes.py", real),
        "folder": (real / "notes" / "plan.py", real),
        "root": (linked / "notes.py", linked),
        "real-root": (linked / "notes.py", real),
    }[way]
    with pytest.raises(Excluded, match=r"notes.*exclude: secrets/"):
        check([str(source)], Rules((str(root),), ("secrets/",)))
    assert kept(str(source), Rules((str(root),), ("secrets/",))) == "[privacy] exclude: secrets/"
    assert kept(str(source), Rules((str(root),))) is None


@pytest.mark.skipif(os.name != "posix", reason="links need a right of their own on Windows")
def test_a_link_to_a_secret_file_stays_and_other_links_leave(tmp_path: Path):
    (tmp_path / "notes.txt").symlink_to(".env")
    (tmp_path / "code.txt").symlink_to("main.py")
    (tmp_path / "around").symlink_to("around")
    with pytest.raises(Excluded, match=r"notes.txt stays on this machine \(secret files: \.env\)"):
        check([str(tmp_path / "notes.txt")], Rules((str(tmp_path),)))
    rules = Rules((str(tmp_path),), ("secrets/",))
    check([str(tmp_path / "code.txt"), str(tmp_path / "around")], rules)
    check(["/a\0b"], Rules(ROOTS, ("secrets/",)))


@pytest.mark.parametrize(
    "spelled",
    [
        "%2eenv",
        ".ENV",
        "a/../.env",
        "a/%2e%2e/.env",
        ".env.",
        ".env ",
        ".env::$DATA",
        ".e\u200cnv",
        "a\\..\\.env",
        ".\u017fsh/config",
    ],
)
def test_a_secret_file_has_no_spelling_that_leaves(spelled: str):
    assert rule(f"/ws/app/{spelled}") is not None
    assert rule(spelled) is not None


@pytest.mark.skipif(os.name != "posix", reason="links need a right of their own on Windows")
def test_another_name_of_a_secret_file_is_that_file(tmp_path: Path):
    deep = tmp_path / "src" / "deep"
    deep.mkdir(parents=True)
    (tmp_path / ".env").write_text("x", "utf-8")
    (deep / "notes.py").hardlink_to(tmp_path / ".env")
    (deep / "mine.py").write_text("x", "utf-8")
    (tmp_path / "alias.py").hardlink_to(deep / "mine.py")
    rules = Rules((str(tmp_path),))
    with pytest.raises(Excluded, match=r"src/deep/notes.py stays on this machine \(secret files: \.env\)"):
        check([str(deep / "notes.py")], rules)
    check([str(deep / "mine.py"), str(tmp_path / "alias.py")], rules)
    (tmp_path / "id_rsa").hardlink_to(deep / "mine.py")
    with pytest.raises(Excluded, match="id_rsa"):
        check([str(deep / "mine.py")], rules)


def test_of_a_workspace_that_nobody_trusts_nothing_is_read(tmp_path: Path):
    (tmp_path / ".gitignore").write_text("*\n", "utf-8")
    assert kept(str(tmp_path / "a.py"), Rules((str(tmp_path),))) == ".gitignore: *"
    assert kept(str(tmp_path / "a.py"), Rules((str(tmp_path),), reads=False)) is None


def test_the_rules_are_those_of_the_settings():
    settings = Privacy(exclude=["a/"], gitignore=False)
    assert rules_from(settings, ROOTS) == Rules(ROOTS, ("a/",), gitignore=False)
