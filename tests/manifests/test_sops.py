"""SOPS files, encrypted by SOPS itself, in clear where an application asks for it and nowhere else."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitopsd.core.declaration.application import application_from
from gitopsd.errors import InvalidDeclaration, InvalidManifest, InvalidSettings, NotSupported
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.manifests.sops import type_of
from gitopsd.manifests.sops_keys import Keyring, identity
from gitopsd.model.application import NOWHERE, Source
from gitopsd.model.ids import AppName, RepoUrl, Revision
from gitopsd.ports import Lent, RenderedSource
from gitopsd.runtime.workers import WorkerPool
from gitopsd.settings import Secret, SopsKeys
from tests.fakes.entries import FakeEntries
from tests.manifests.charting import WEB
from tests.manifests.sealing import AGE_KEY, OTHER_KEY, OTHER_RECIPIENT, PROGRAM, Vault, sealed, vault_at
from tests.manifests.staging import URL, config_map

pytestmark = pytest.mark.skipif(not PROGRAM, reason="no sops on this machine")

VALUE = "hunter2-is-long"
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: {VALUE}\n  port: '5432'\n"
PARTLY = ("--encrypted-regex", "^(data|stringData)$")


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with vault_at(tmp_path) as found:
        yield found


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_manifest_encrypted_in_part_is_in_clear_and_one_that_is_not_stays(vault: Vault) -> None:
    two = sealed("a.yaml", SECRET + "---\n" + config_map("beside"), *PARTLY)

    found = vault.manifests({"app/a.yaml": two, "app/b.yaml": config_map("plain")})

    assert ["db", "beside", "plain"] == [each["metadata"]["name"] for each in found]
    assert {"password": VALUE, "port": "5432"} == found[0]["stringData"]
    assert all("sops" not in each for each in found)


def test_a_file_encrypted_as_a_whole_may_be_yaml_or_json(vault: Vault) -> None:
    as_json = '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "js"}, "stringData": {"n": "x y z"}}'

    found = vault.manifests({"app/a.yaml": sealed("a.yaml", SECRET), "app/b.json": sealed("b.json", as_json)})

    assert ["db", "js"] == [each["metadata"]["name"] for each in found]
    assert {"n": "x y z"} == found[1]["stringData"]


def test_inputs_of_kustomize_generators_are_decrypted_whatever_their_format(vault: Vault) -> None:
    files = {
        "app/kustomization.yaml": (
            "secretGenerator:\n- {name: s, envs: [p.env], files: [key.bin, conf.ini]}\n"
            "generatorOptions: {disableNameSuffixHash: true}\nresources: [a.yaml]\n"
        ),
        "app/p.env": sealed("p.env", f"PASSWORD={VALUE}\nPORT=5432\n"),
        "app/key.bin": sealed("key.bin", "line one\nline two\n"),
        "app/conf.ini": sealed("conf.ini", "[db]\npassword = deep\n"),
        "app/a.yaml": sealed("a.yaml", SECRET, *PARTLY),
    }

    found = {each["metadata"]["name"]: each for each in vault.manifests(files)}

    made = {name: base64.b64decode(value).decode() for name, value in found["s"]["data"].items()}
    assert {"PASSWORD": VALUE, "PORT": "5432", "key.bin": "line one\nline two\n"}.items() <= made.items()
    assert "deep" in made["conf.ini"]
    assert VALUE == found["db"]["stringData"]["password"]
    assert [] == list(vault.work.iterdir())


CHART = {
    "app/Chart.yaml": "{apiVersion: v2, name: web, version: 1.0.0}\n",
    "app/templates/a.yaml": (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {{ .Values | toJson }}\n"
    ),
}


def test_values_of_charts_and_their_files_are_decrypted(vault: Vault) -> None:
    helm = {
        "releaseName": "web",
        "valueFiles": ["values-prod.yaml", "env/*.yaml"],
        "fileParameters": [{"name": "key", "path": "key.bin"}],
    }
    files = {
        **CHART,
        "app/values.yaml": sealed("values.yaml", "own: of-chart\n"),
        "app/values-prod.yaml": sealed("values.yaml", f"password: {VALUE}\n"),
        "app/env/a.yaml": sealed("a.yaml", "glob: of-glob\n"),
        "app/key.bin": sealed("key.bin", "line"),
    }

    (found,) = vault.manifests(files, helm=helm)

    assert {"own": "of-chart", "password": VALUE, "glob": "of-glob", "key": "line"} == found["stringData"]


def test_jsonnet_imports_what_is_decrypted(vault: Vault) -> None:
    text = (
        "{apiVersion: 'v1', kind: 'Secret', metadata: {name: 'db'}, "
        "stringData: (import 's.json') + {key: importstr '../shared/key.bin'}}"
    )
    files = {
        "app/a.jsonnet": text,
        "app/s.json": sealed("s.json", f'{{"password": "{VALUE}"}}'),
        "shared/key.bin": sealed("key.bin", "line"),
    }

    (found,) = vault.manifests(files)

    assert {"password": VALUE, "key": "line"} == found["stringData"]


async def test_values_that_another_repository_lends_are_decrypted_with_its_own_keys(vault: Vault) -> None:
    lends = Source(RepoUrl("https://git.example/values"), path="", ref="env", decrypt="sops")
    uses = Source(URL, path="app", decrypt="sops", options={"helm": {"valueFiles": ["own.yaml", "$env/prod.yaml"]}})
    (vault.place / "other").write_text(OTHER_KEY)
    (vault.place / "age").write_text(AGE_KEY)
    own = SopsKeys(uses.repo_url, age=Secret(vault.place / "age"))
    others = SopsKeys(lends.repo_url, age=Secret(vault.place / "other"))
    theirs = sealed("v.yaml", f"password: {VALUE}\n", recipient=("--age", OTHER_RECIPIENT))
    revision = Revision(
        vault.repo.rewrite({**CHART, "app/own.yaml": sealed("v.yaml", "own: mine\n"), "prod.yaml": theirs})
    )
    async with WorkerPool(1) as pool:

        async def rendered(*given: SopsKeys) -> RenderedSource:
            renderer = ClosureRenderer(
                pool, FakeEntries(), lambda _: str(vault.repo.path), work_dir=vault.work, keyring=Keyring(given)
            )
            return await renderer.render(AppName("web"), uses, revision, WEB, [Lent(lends, revision)])

        found = await rendered(own, others)
        with pytest.raises(InvalidManifest, match=r"prod\.yaml"):
            await rendered(own)

    assert {"own": "mine", "password": VALUE} == found.manifests[0]["stringData"]


def test_files_by_other_names_are_told_by_their_content() -> None:
    dotenv = sealed("x.env", "A=1\n")

    assert "dotenv" == type_of("app/settings", dotenv.encode())
    assert "binary" == type_of("app/key", sealed("key", "x").encode())
    assert "yaml" == type_of("app/values.enc", sealed("v.yaml", "a: b\n").encode())
    assert "" == type_of("app/a.yaml", config_map("about", text="ENC[AES256_GCM,").encode())


def test_pgp_keys_decrypt_too(vault: Vault) -> None:
    if shutil.which("gpg") is None:
        pytest.skip("no gpg on this machine")
    with tempfile.TemporaryDirectory(prefix="gpg-") as home:  # a short path: its agent listens there
        gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
        subprocess.run([*gpg, "--quick-gen-key", "t@example.org", "default", "default", "never"], check=True)  # noqa: S603 - ours
        listed = subprocess.run([*gpg, "--with-colons", "-K"], check=True, capture_output=True, text=True).stdout  # noqa: S603
        fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
        key = subprocess.run(  # noqa: S603
            [*gpg, "--armor", "--export-secret-keys"], check=True, capture_output=True, text=True
        ).stdout
        file = sealed("a.yaml", SECRET, *PARTLY, recipient=("--pgp", fingerprint), GNUPGHOME=home)
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)  # noqa: S603, S607 - ours

    (found,) = vault.manifests({"app/a.yaml": file}, vault.keyring(age="", pgp=key))

    assert VALUE == found["stringData"]["password"]


def test_without_the_right_key_the_source_fails_and_says_whom_it_is_for(vault: Vault) -> None:
    files = {"app/a.yaml": sealed("a.yaml", SECRET, *PARTLY)}

    told = vault.error(files, vault.keyring(age=OTHER_KEY))
    assert told.startswith("InvalidManifest: app/a.yaml: SOPS cannot decrypt it: ")
    assert "age1nk20grg3skavudk6lqcz4gafgs535ljuug7zzys0nckugu9du90qq6jxgl" in told
    assert told.endswith("a key that gitopsd is given for this repository (sops.keys in the settings)")
    assert OTHER_KEY not in told
    assert "there is no key for its repository" in vault.error(files, Keyring())


def test_a_file_that_was_changed_by_hand_fails(vault: Vault) -> None:
    file = sealed("a.yaml", SECRET, *PARTLY).replace("name: db", "name: evil")

    assert "app/a.yaml: SOPS cannot decrypt it: MAC mismatch" in vault.error({"app/a.yaml": file})


def test_what_means_something_else_for_sops_is_told_without_what_it_is(vault: Vault) -> None:
    thing = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec:\n"
    thing += "  on: [{a: yes}, {a: 'no!'}]\n  b: OFF\n  c: true\n"
    times = "  day: 2020-01-01\n  time: 2020-01-01T10:00:00Z\n  text: '2020-01-01'\n"
    words = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: 'yes'}\n"

    outcome = vault.outcome({"app/a.yaml": sealed("a.yaml", thing + times), "app/b.yaml": sealed("b.yaml", words)})

    boolean = "is a text for SOPS, and a boolean elsewhere if it had no quotes: spell it out"
    assert [
        f"app/a.yaml: .spec.b {boolean}",
        "app/a.yaml: .spec.day is a date that SOPS has made a time: put it in quotes before it is encrypted",
        f"app/a.yaml: .spec.on[0].a {boolean}",
    ] == outcome["warnings"]


def test_no_error_tells_what_was_decrypted(vault: Vault) -> None:
    patch = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: nowhere}}\nstringData: {{password: {VALUE}}}\n"
    files = {"app/kustomization.yaml": "patches: [{path: p.yaml}]\n", "app/p.yaml": sealed("p.yaml", patch)}
    assert VALUE not in vault.error(files)

    odd = "apiVersion: v1\nkind: 12345678\nmetadata:\n  name: a\n"
    assert "kind is the number ++++++++" in vault.error({"app/a.yaml": sealed("a.yaml", odd)})


def test_without_the_annotation_nothing_is_decrypted_and_its_files_are_told_of(vault: Vault) -> None:
    file = sealed("a.yaml", SECRET, *PARTLY)
    assert VALUE == vault.manifests({"app/a.yaml": file})[0]["stringData"]["password"]

    revision = vault.repo.rewrite({"app/a.yaml": file})
    outcome = vault.bare(revision)

    (manifest,) = outcome["manifests"]
    assert manifest["stringData"]["password"].startswith("ENC[")
    assert ["app/a.yaml:1: is encrypted by SOPS; annotate the application gitopsd.io/decrypt: sops"] == outcome[
        "warnings"
    ]


def test_files_in_clear_are_laid_out_in_memory_or_not_at_all(vault: Vault) -> None:
    with pytest.raises(NotSupported, match="would be written to a disk"):
        vault.outcome({"app/a.yaml": sealed("a.yaml", SECRET)}, work=Path("/proc/nowhere"))


def test_a_repository_has_the_keys_of_its_longest_prefix_alone(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("any", "org", "team")}
    for name, file in files.items():
        file.write_text(f"{name}\n")
    keyring = Keyring(
        [
            SopsKeys(age=Secret(files["any"])),
            SopsKeys("https://git.example/org", age=Secret(files["org"])),
            SopsKeys("https://git.example/org/team", age=Secret(files["team"])),
        ]
    )

    def key(url: str) -> str:
        given = keyring.given(Source(RepoUrl(url), decrypt="sops"))
        assert given is not None
        return given[""]["age"]

    assert ["any", "any", "org", "org", "team"] == [
        key(f"https://git.example/{path}") for path in ("x", "org-2/x", "org/x", "org/team-2", "org/team/x")
    ]
    assert keyring.given(Source(RepoUrl("https://git.example/x"))) is None


def test_another_key_is_another_render_and_nobody_reads_it_from_that(vault: Vault) -> None:
    source = Source(RepoUrl("https://git.example/x"), decrypt="sops")
    one, other = vault.keyring().given(source), vault.keyring(age=OTHER_KEY).given(source)

    assert identity(one) != identity(other)
    assert AGE_KEY not in identity(one)
    assert "" == identity(None)


def test_a_key_file_that_is_gone_is_said(tmp_path: Path) -> None:
    keyring = Keyring([SopsKeys(age=Secret(tmp_path / "gone"))])

    with pytest.raises(InvalidSettings, match="gone"):
        keyring.given(Source(RepoUrl("https://git.example/x"), decrypt="sops"))


def test_the_annotation_reaches_every_source_and_another_word_is_refused() -> None:
    manifest = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "shop", "annotations": {"gitopsd.io/decrypt": "sops"}},
        "spec": {
            "destination": {"name": "x"},
            "sources": [{"repoURL": "https://git.example/x", "path": path} for path in "ab"],
        },
    }
    app = application_from(manifest, NOWHERE)
    assert (["sops", "sops"], ()) == ([source.decrypt for source in app.sources], app.warnings)

    with pytest.raises(InvalidDeclaration, match="decrypt] is 'age'"):
        application_from({**manifest, "metadata": {"name": "x", "annotations": {"gitopsd.io/decrypt": "age"}}}, NOWHERE)


def test_the_key_is_in_no_process_list_and_not_with_other_programs(vault: Vault) -> None:
    stub = vault.place / "sops"
    stub.write_text(
        "#!/bin/sh\ncat /proc/[0-9]*/cmdline | grep -qa AGE-SECRE[T] && exit 9\n"
        "[ $(env | grep -c AGE-SECRE[T]) = 1 ] || exit 8\ncat sealed\n"
    )
    stub.chmod(0o755)
    (vault.place / "age").write_text(AGE_KEY)
    keyring = Keyring([SopsKeys(age=Secret(vault.place / "age"))], stub)

    vault.manifests({"app/a.yaml": sealed("a.yaml", SECRET)}, keyring)

    assert AGE_KEY not in str(os.environ)
