"""The page in a real browser: no errors, no requests, tables that sort, colours that change."""

import json
import re
import shutil
import subprocess

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-sync", "--disable-background-networking", "--disable-component-update"),
    "--enable-logging=stderr",
]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")

_SORT = """
<script>
addEventListener("load", function () {
  var table = document.querySelector("#layers table.sortable");
  var heads = table.querySelectorAll("thead button");
  function column(place) {
    var rows = Array.from(table.tBodies[0].rows);
    return rows.map(function (row) { return row.cells[place].dataset.sort; });
  }
  var names = Array.from(heads).map(function (one) { return one.textContent; });
  var place = names.indexOf("parameters");
  var found = [column(place)];
  heads[place].click(); found.push(column(place));
  heads[place].click(); found.push(column(place));
  document.getElementById("theme").click();
  found.push(document.body.dataset.theme, getComputedStyle(document.body).backgroundColor);
  var dot = document.querySelector("#trials [data-tip]");
  dot.focus();
  found.push(document.getElementById("tip").textContent);
  document.title = JSON.stringify(found);
});
</script></body>
"""


@pytest.fixture
def browse(tmp_path):
    """A function that opens a page; it returns the DOM, console lines and requests."""

    def browse(text, *flags):
        page, log = tmp_path / "page.html", tmp_path / "net.json"
        page.write_text(text)
        folder = tmp_path / "profile"
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder}", f"--log-net-log={log}", *flags]
        command += ["--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", page.as_uri()]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stderr[-2000:]
        console = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
        # The browser's own requests come from no page.
        initiators = re.findall(r'"initiator":"([^"]*)"', log.read_text())
        return ran.stdout, console, [one for one in initiators if one != "not an origin"]

    return browse


def test_no_errors_and_no_requests(browse, of_files):
    dom, console, requests = browse(of_files.to_html())
    assert "</footer>" in dom
    assert (console, requests) == ([], [])


def test_errors_and_requests_would_be_seen(browse, of_files):
    broken = of_files.to_html().replace("</body>", '<img src="http://example.org/x.png"></body>')
    _, console, _ = browse(broken)
    assert any("Content Security Policy" in line for line in console)
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", broken)
    _, _, requests = browse(free)
    assert requests


def test_what_readers_do(browse, of_files):
    dom, console, _ = browse(of_files.to_html().replace("</body>", _SORT))
    assert console == []
    title = re.search(r"<title>(.*?)</title>", dom, re.DOTALL)[1]
    as_was, rising, falling, theme, colour, tip = json.loads(title.replace("&amp;", "&"))
    numbers = sorted(map(float, as_was))
    assert list(map(float, rising)) == numbers
    assert list(map(float, falling)) == numbers[::-1]
    assert numbers[0] < numbers[-1]
    assert (theme, colour) == ("dark", "rgb(18, 21, 27)")
    assert "accuracy" in tip and "gzip bytes" in tip


def test_a_phone_scrolls_tables_and_not_the_page(browse, of_files):
    inner = of_files.to_html().replace('"', "&quot;")
    frame = f'<iframe style="width:390px;height:800px;border:0" srcdoc="{inner}"></iframe>'
    script = """<script>addEventListener("load", function () {
      var one = document.querySelector("iframe").contentDocument.documentElement;
      document.title = one.scrollWidth + "/" + one.clientWidth;
    });</script>"""
    dom, _, _ = browse(f"<!doctype html><title></title>{frame}{script}")
    wide, room = re.search(r"<title>(\d+)/(\d+)</title>", dom).groups()
    assert wide == room and 360 < int(room) <= 390
