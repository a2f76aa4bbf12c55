"""What a person sees and does in a browser."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.relay import relay
from tests.web.conftest import WAIT_MS, Open
from tests.web.running import WebDemo

expect.set_options(timeout=WAIT_MS)
pytestmark = pytest.mark.asyncio(loop_scope="session")  # of the one browser

VIEWS = (
    ("", "Fleet"),
    ("applications", "Applications"),
    ("applications?view=tiles", "Applications"),
    ("drift", "Drift"),
    ("clusters", "Clusters"),
    ("repositories", "Repositories"),
    ("projects", "Projects"),
    ("audit", "Audit"),
    ("accounts", "Accounts"),
)
SCHEMES: Final = ("light", "dark")
TABS = ("", "tree", "differences", "history", "drift", "yaml")


async def test_the_address_that_the_demo_prints_signs_in_and_keeps_the_token_out_of_the_address(
    open_page: Open, demo: WebDemo
) -> None:
    page = await open_page(f"#token={demo.token}", signed_in=False)

    await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    assert demo.url == page.url
    assert demo.token not in await page.content()


async def test_a_wrong_token_is_told_and_the_right_one_signs_in(open_page: Open, demo: WebDemo) -> None:
    page = await open_page(signed_in=False)
    await page.get_by_role("button", name="Token").click()
    await page.get_by_label("Token", exact=True).fill("something else")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("does not know this token")
    await page.get_by_label("Token", exact=True).fill(demo.token)
    await page.get_by_role("button", name="Sign in").click()

    await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Name")).to_be_visible()


async def test_an_account_signs_in_stays_signed_in_and_signs_out(open_page: Open, demo: WebDemo) -> None:
    password = (demo.directory / "data/initial-admin-password").read_text().strip()
    page = await open_page(signed_in=False)
    await page.get_by_label("Name").fill("admin")
    await page.get_by_label("Password").fill("a wrong one")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    assert password not in await page.evaluate("JSON.stringify(sessionStorage) + document.cookie")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Password")).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("Password")).to_be_visible()


@pytest.mark.parametrize(("view", "title"), VIEWS)
async def test_every_view_has_its_address_and_nothing_that_keeps_people_out(
    open_page: Open, view: str, title: str
) -> None:
    for scheme in SCHEMES:
        page = await open_page(view, scheme=scheme)
        await expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        await expect(page.get_by_text("Loading")).to_have_count(0)

        assert [] == await violations(page)


@pytest.mark.parametrize("tab", TABS)
async def test_every_tab_of_an_application_likewise(open_page: Open, tab: str) -> None:
    page = await open_page(f"applications/{await first_app(open_page)}?tab={tab}")
    await expect(page.get_by_role("tab", selected=True)).to_be_visible()
    await expect(page.get_by_text("Loading")).to_have_count(0)

    assert [] == await violations(page)


async def test_every_view_fits_a_phone(open_page: Open) -> None:
    for view, _ in VIEWS:
        page = await open_page(view, width=360)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()

        assert await page.evaluate("document.documentElement.scrollWidth") <= 360, view


async def test_the_fleet_tells_how_many_are_how(page: Page) -> None:
    sync = page.get_by_role("region", name="Sync", exact=True)

    await expect(sync.get_by_text("Synced")).to_be_visible()
    await expect(page.get_by_role("navigation").get_by_text("6")).to_be_visible()


async def test_what_is_changed_behind_gits_back_is_seen_with_who_did_it(open_page: Open, demo: WebDemo) -> None:
    name = await first_app(open_page)
    page = await open_page(f"applications/{name}?tab=drift")
    demo.by_hand("edit", name, "--replicas", "5")

    row = page.get_by_role("row").filter(has_text=".spec.replicas").first
    await expect(row).to_contain_text("gitopsd-demo-user")
    await expect(row).to_contain_text("healed")


async def test_a_sync_by_hand_is_asked_for_shown_and_in_the_history_and_the_audit_log(open_page: Open) -> None:
    name = await first_app(open_page)
    page = await open_page(f"applications/{name}")
    await page.get_by_role("button", name="Sync …").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Sync", exact=True).click()

    await expect(page.get_by_role("status").filter(has_text=f"A sync of {name} has begun")).to_be_visible()
    await page.get_by_role("tab", name="History").click()
    await expect(page.get_by_role("cell", name="admin").first).to_be_visible()
    await page.goto(page.url.split("applications")[0] + "audit")
    await expect(page.get_by_role("row").filter(has_text=name).filter(has_text="sync").first).to_be_visible()


async def test_the_tree_shows_what_objects_own_and_opens_them(open_page: Open) -> None:
    page = await open_page(f"applications/{await first_app(open_page)}?tab=tree")
    tree = page.get_by_role("tree")
    await expect(tree.get_by_text("Pod").first).to_be_visible()
    before = await tree.get_by_role("treeitem").count()
    await tree.get_by_role("treeitem").filter(has_text="Deployment").get_by_role("button", name="Close").click()
    await expect(tree.get_by_role("treeitem")).not_to_have_count(before)

    await tree.get_by_role("treeitem").filter(has_text="ConfigMap").get_by_role("button").first.click()
    drawer = page.get_by_role("dialog")
    await expect(drawer.get_by_text("GREETING")).to_be_visible()
    await drawer.get_by_role("button", name="Who owns what").click()
    await expect(drawer.get_by_role("cell", name="gitopsd", exact=True)).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(drawer).to_have_count(0)


async def test_search_and_filters_are_in_the_address(page: Page, demo: WebDemo) -> None:
    await page.goto(demo.url + "applications")
    await expect(page.get_by_role("listitem")).to_have_count(6)
    await page.get_by_label("Cluster", exact=True).select_option("cluster-1")
    await expect(page.get_by_role("listitem")).to_have_count(3)
    await page.get_by_role("searchbox").fill("no such thing")
    await expect(page.get_by_text("Nothing matches.")).to_be_visible()
    assert re.search(r"q=no\+such\+thing", page.url)
    await page.reload()
    await expect(page.get_by_text("Nothing matches.")).to_be_visible()
    await page.get_by_role("button", name="Show all").click()
    await expect(page.get_by_role("listitem")).to_have_count(6)


async def test_everything_can_be_done_by_keyboard(page: Page) -> None:
    await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    await page.keyboard.press("g")
    await page.keyboard.press("a")
    await expect(page.get_by_role("listitem")).to_have_count(6)
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await expect(page.get_by_text("1 chosen")).to_be_visible()
    await page.keyboard.press("s")
    await expect(page.get_by_role("dialog", name="Sync")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("tree")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("tree")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


async def test_two_browsers_see_one_fleet(open_page: Open, demo: WebDemo) -> None:
    one, other = await open_page("applications"), await open_page("applications")
    name = await first_app(open_page)
    demo.commit({f"fleet/{name}/more.yaml": MORE.format(name="more", namespace=name)})

    for page in (one, other):
        await page.goto(f"{demo.url}applications/{name}")
        await expect(page.get_by_role("link", name="more", exact=True)).to_be_visible()


async def test_a_lost_connection_is_told_and_the_page_goes_on_by_itself(open_page: Open, demo: WebDemo) -> None:
    where = urlsplit(demo.url)
    name = await first_app(open_page)
    async with relay(str(where.hostname), where.port or 80) as between:
        page = await open_page(
            f"http://127.0.0.1:{between.port}/applications/{name}#token={demo.token}", signed_in=False
        )
        await expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        await between.cut()
        await expect(page.get_by_role("alert").filter(has_text="The daemon does not answer")).to_be_visible()
        demo.commit({f"fleet/{name}/meanwhile.yaml": MORE.format(name="meanwhile", namespace=name)})
        await between.restore()

        await expect(page.get_by_role("link", name="meanwhile", exact=True)).to_be_visible()
        await expect(page.get_by_text("The daemon does not answer")).to_have_count(0)


async def test_a_pod_shows_its_logs_its_events_and_itself(open_page: Open, demo: WebDemo) -> None:
    name = await first_app(open_page)
    demo.commit({f"fleet/{name}/teller.yaml": TELLER.format(namespace=name)})
    page = await open_page(f"applications/{name}")
    await page.get_by_role("link", name="teller", exact=True).click()
    drawer = page.get_by_role("dialog")
    await drawer.get_by_role("button", name="Logs").click()
    await expect(drawer.get_by_label("Log", exact=True)).to_contain_text("the second line")
    assert [] == await violations(page)
    await drawer.get_by_role("searchbox").fill("second")
    await drawer.get_by_role("searchbox").press("Enter")
    await expect(drawer.get_by_label("Log", exact=True)).not_to_contain_text("the first line")
    await drawer.get_by_role("button", name="Events").click()
    await expect(drawer.get_by_text("The cluster keeps no event of it.")).to_be_visible()


async def test_an_object_is_scaled_restarted_and_deleted_by_its_actions(open_page: Open) -> None:
    name = await first_app(open_page)
    page = await open_page(f"applications/{name}?tab=tree")
    tree = page.get_by_role("tree").get_by_role("treeitem")
    await tree.filter(has_text="Deployment").get_by_role("button").last.click()
    drawer, asked = page.get_by_role("dialog").first, page.get_by_role("dialog").last
    await expect(drawer.get_by_role("button", name="Resume …")).to_be_disabled()
    await drawer.get_by_role("button", name="Restart …").click()
    assert [] == await violations(page)
    await asked.get_by_role("button", name="Restart", exact=True).click()
    await expect(page.get_by_role("status").filter(has_text="restart: done to Deployment")).to_be_visible()
    await drawer.get_by_role("button", name="Scale …").click()
    await expect(asked.get_by_role("button", name="Scale", exact=True)).to_be_disabled()
    await asked.get_by_label("replicas").fill("many")
    await asked.get_by_role("button", name="Scale", exact=True).click()
    await expect(page.get_by_role("status").filter(has_text="replicas is 'many'")).to_be_visible()
    await page.keyboard.press("Escape")

    await tree.filter(has_text="Pod").first.get_by_role("button").last.click()
    await drawer.get_by_role("button", name="Delete …").click()
    await asked.get_by_role("button", name="Delete", exact=True).click()
    await expect(page.get_by_role("status").filter(has_text="is being deleted")).to_be_visible()


async def test_what_an_owner_made_is_shown_as_it_is_live(open_page: Open) -> None:
    page = await open_page(f"applications/{await first_app(open_page)}?tab=tree")
    await page.get_by_role("treeitem").filter(has_text="ReplicaSet").get_by_role("button").last.click()
    await page.get_by_role("dialog").get_by_role("button", name="Live").click()
    await expect(page.get_by_role("dialog").get_by_text("kind: ReplicaSet")).to_be_visible()


async def test_an_application_is_declared_and_changed_by_hand(page: Page, demo: WebDemo) -> None:
    await page.goto(demo.url + "applications")
    await page.get_by_role("button", name="New …").click()
    editor = page.get_by_label("Application, as YAML")
    await expect(editor).to_have_value(re.compile("kind: Application"))
    await editor.fill("kind: [")
    await page.get_by_role("button", name="Declare it").click()
    await expect(page.get_by_role("alert").filter(has_text="This is no YAML")).to_be_visible()
    await editor.fill(BY_HAND.format(repo_url=demo.repo_url, namespace="by-hand"))
    await page.get_by_role("button", name="Declare it").click()
    await expect(page.get_by_role("heading", name="by-hand", level=1)).to_be_visible()

    await page.get_by_role("tab", name="YAML").click()
    await page.get_by_role("button", name="Change …").click()
    await expect(editor).to_have_value(re.compile("name: by-hand"))
    await editor.fill(BY_HAND.format(repo_url=demo.repo_url, namespace="elsewhere"))
    await page.get_by_role("button", name="Change it").click()
    await expect(page.get_by_text("elsewhere").first).to_be_visible()


async def test_hostile_texts_are_texts_and_links_lead_to_web_pages_only(open_page: Open, demo: WebDemo) -> None:
    hostile = "<img src=x onerror=window.caught=1>"
    app = HOSTILE.format(repo_url=demo.repo_url, text=hostile)
    demo.commit({"apps/hostile.yaml": app})
    page = await open_page("applications/hostile")

    await expect(page.get_by_role("heading", name="hostile", level=1)).to_be_visible()
    await expect(page.get_by_text(hostile).first).to_be_visible()
    links = page.get_by_role("region", name="Links").get_by_role("link")
    await expect(links).to_have_count(1)
    await expect(links.first).to_have_attribute("href", "https://docs.example/")
    assert await page.evaluate("window.caught") is None


async def test_no_value_of_a_secret_is_in_the_page(open_page: Open, demo: WebDemo) -> None:
    name = await first_app(open_page)
    demo.commit({f"fleet/{name}/secret.yaml": KEYS.format(namespace=name)})
    page = await open_page(f"applications/{name}")
    await page.get_by_role("link", name="keys", exact=True).click()
    await expect(page.get_by_role("dialog").get_by_text("password")).to_be_visible()

    for way in ("In Git", "Live"):
        await page.get_by_role("button", name=way).click()
        await expect(page.get_by_role("dialog").get_by_text("password")).to_be_visible()
        assert "c2VjcmV0LXZhbHVl" not in await page.content()


async def first_app(open_page: Open) -> str:
    page = await open_page("applications")
    name = await page.get_by_role("listitem").get_by_role("link").first.inner_text()
    await page.close()
    return name


async def violations(page: Page) -> list[str]:
    response = (await Axe().run(page)).response
    return [f"{each['id']}: {node['html'][:200]}" for each in response["violations"] for node in each["nodes"]]


MORE = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: {namespace}}}
data: {{more: "yes"}}
"""
KEYS = """\
apiVersion: v1
kind: Secret
metadata: {{name: keys, namespace: {namespace}}}
data: {{password: c2VjcmV0LXZhbHVl}}
"""
HOSTILE = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: hostile
  annotations:
    link.argocd.argoproj.io/docs: https://docs.example/
    link.argocd.argoproj.io/bad: "javascript:window.caught=1"
spec:
  project: default
  source: {{repoURL: {repo_url}, path: "{text}", targetRevision: main}}
  destination: {{name: cluster-1, namespace: hostile}}
"""
BY_HAND = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: by-hand}}
spec:
  project: default
  source: {{repoURL: {repo_url}, path: fleet/billing, targetRevision: main}}
  destination: {{name: cluster-1, namespace: {namespace}}}
"""
TELLER = """\
apiVersion: v1
kind: Pod
metadata:
  name: teller
  namespace: {namespace}
  annotations: {{sim.gitopsd.io/log: "the first line\\nthe second line\\n"}}
spec:
  containers: [{{name: main, image: "registry.example/teller:1.0.0"}}]
"""
