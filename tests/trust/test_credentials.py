from __future__ import annotations

from gitopsd.settings import GitSettings, Held, RepoCredentials
from gitopsd.trust.credentials import CredentialStore, DeclaredCredentials, credentials_for


def test_longest_prefix_wins_whatever_the_order() -> None:
    host, org, repo = (RepoCredentials(f"https://h{path}", username=path) for path in ("", "/org", "/org/repo.git"))

    for given in ((host, org, repo), (repo, org, host)):
        assert repo == credentials_for("https://h/org/repo", given)
        assert org == credentials_for("https://h/org/repo2", given)
        assert host == credentials_for("https://h/org2/repo", given)
        assert credentials_for("https://h2/org/repo", given) is None
        assert credentials_for("ssh://h/org/repo", given) is None


def test_secret_goes_before_settings_and_a_repository_before_templates() -> None:
    password = Held(text="x")
    settings = (RepoCredentials("https://h/org", "settings", password), RepoCredentials("https://i", "i", password))
    trust = CredentialStore(GitSettings(credentials=settings), lambda: 0.0)
    own = RepoCredentials("https://h/org/own.git", "own", password)
    template = RepoCredentials("https://h", "template", password)

    assert trust.declare("dir", DeclaredCredentials((own,), (template,)))
    assert not trust.declare("dir", DeclaredCredentials((own,), (template,)))
    found = [trust.find(f"https://{url}") for url in ("h/org/own", "h/org/own/below", "h/org/x", "i/x", "j/x")]

    assert ["own", "template", "template", "i", ""] == [each.username if each else "" for each in found]


def test_repository_without_a_login_takes_the_template_s() -> None:
    template = RepoCredentials("https://h", "bot", Held(text="x"), proxy="http://theirs")
    own = RepoCredentials("https://h/own", insecure=True, proxy="http://mine")
    trust = CredentialStore(GitSettings(), lambda: 0.0)
    trust.declare("dir", DeclaredCredentials((own,), (template,)))

    found = trust.find("https://h/own.git")

    assert found is not None
    assert ("bot", template.password, True, "http://mine") == (
        found.username,
        found.password,
        found.insecure,
        found.proxy,
    )


def test_secret_of_a_registry_holds_for_the_charts_below_it() -> None:
    charts, one = (RepoCredentials(f"oci://r/{path}", path) for path in ("org", "org/web"))
    trust = CredentialStore(GitSettings(), lambda: 0.0)
    trust.declare("dir", DeclaredCredentials((charts, one)))
    found = [trust.find(f"oci://{url}") for url in ("r/org/web", "r/org/db", "r/org2/db", "r2/org/db")]

    assert ["org/web", "org", "", ""] == [each.username if each else "" for each in found]


def test_chart_repository_gets_what_its_url_gets() -> None:
    trust = CredentialStore(GitSettings(credentials=(RepoCredentials("https://h/org", "bot"),)), lambda: 0.0)

    assert trust.find("helm+https://h/org/charts") is not None
    assert not trust.as_trusted("https://git.example/x", "helm+https://h/org/charts")


def test_held_secret_is_not_in_what_python_shows_of_it() -> None:
    assert "s3cret" not in repr(RepoCredentials("https://h", "bot", Held(text="s3cret")))
