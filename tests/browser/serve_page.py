"""The page of `iadgpt serve` in a headless Chromium, as a person uses it: files dragged in, clicks, keys, what can be seen.

    serve_page.py URL PARTS SCRATCH [--shots DIR]      the whole of it; PARTS as iad-synth render writes them
    serve_page.py --key KEY URL PARTS SCRATCH          against a server that wants KEY: the dialog alone
    serve_page.py --small BYTES URL PARTS SCRATCH      against a server that takes bodies of so many bytes, and lets one request wait, only
"""
import argparse
import os

from page_work import Work
from pagetest import IDLE, VERDICT, count_of, text_of


class Test(Work):
    # ---- for everybody

    def keyboard(self):
        """Every control is reached with Tab, has a name and can be seen to have the focus."""
        b = self.b
        b.js("document.querySelector('#set-new').open = true; document.activeElement.blur(); window.scrollTo(0, 0)")
        wanted = b.js("""(() => { let n = 0; const radios = new Set();
            for (const e of document.querySelectorAll('a, button, input, select, summary, [tabindex="0"]')) {
              if (e.disabled || !e.checkVisibility({ visibilityProperty: true }) || (e.type === 'radio' && !e.checked)) continue;
              e.dataset.tab = n++;
            } return n; })()""")
        reached = set()
        for _ in range(wanted + 4):
            b.key("Tab", 9)
            at = b.js("""(() => { const e = document.activeElement, ring = e.closest('.button') ?? e, s = getComputedStyle(ring);
                return [e.dataset.tab ?? null, s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2, e.outerHTML.slice(0, 120)]; })()""")
            if at[0] is not None:
                assert at[1], f"no visible focus: {at[2]}"
                reached.add(int(at[0]))
        missing = b.js(f"[...document.querySelectorAll('[data-tab]')].filter((e) => !{sorted(reached)}.includes(Number(e.dataset.tab))).map((e) => e.outerHTML.slice(0, 120))")
        assert not missing, missing
        nodes = b.send("Accessibility.getFullAXTree")["nodes"]
        for node in nodes:
            focusable = any(p["name"] == "focusable" and p["value"].get("value") for p in node.get("properties", []))
            if focusable and not node["ignored"] and node["role"]["value"] not in ("RootWebArea", "generic"):
                assert node.get("name", {}).get("value"), ("a control without a name", node["role"], node.get("nodeId"))
        # a set can be chosen with the arrow keys
        self.make_set("second", self.good[14:16])
        assert "second" in b.js(text_of("#against"))
        b.js("document.querySelector('#set-list input:checked').focus()")
        b.key("ArrowDown", 40)
        b.until(text_of("#against") + ".includes('gear <b>top</b>')")

    def sizes(self):
        b = self.b
        edge = "(s) => document.querySelector(s).getBoundingClientRect()"
        assert b.js(f"({edge})('#part').left > ({edge})('#sets').right")
        light = b.js("getComputedStyle(document.body).backgroundColor")
        b.media(prefers_color_scheme="dark")
        b.until(f"getComputedStyle(document.body).backgroundColor !== '{light}'")
        self.shot("dark")
        b.media(prefers_color_scheme="light")
        for width in (390, 320):
            b.size(width, 844, mobile=True)
            b.until(f"document.documentElement.clientWidth === {width}")
            assert b.js(f"({edge})('#part').left === ({edge})('#sets').left")
            wide = b.js("document.documentElement.scrollWidth")
            assert wide <= width, f"{wide} pixels wide on a screen of {width}"
            if width == 390 and self.shots:
                b.size(width, 3400, mobile=True)
                self.shot("phone")
        b.size(1280, 900)

    def reload(self):
        """Sets are the server's: they are there again, and the chosen one is chosen."""
        b, chosen = self.b, self.set_id()
        b.open(self.url + "/?again")
        b.until(f"{count_of('#set-list li')} === 2 && {IDLE}")
        assert self.set_id() == chosen and b.js(count_of("#history button")) == 0

    def delete(self):
        b = self.b
        for left in (1, 0):
            b.js("setTimeout(() => document.querySelector('#set-list li:first-child button').click())")
            while b.receive_noted().get("method") != "Page.javascriptDialogOpening":
                pass
            b.send("Page.handleJavaScriptDialog", accept=True)
            b.until(f"{count_of('#set-list li')} === {left} && {IDLE}")
        assert self.api.get("/v1/exemplars")["data"] == [] and b.js("document.querySelector('#calib').hidden")

    def requests(self):
        """Nothing but this server was asked for anything."""
        urls = {e["params"]["request"]["url"] for e in self.b.events if e.get("method") == "Network.requestWillBeSent"}
        strangers = [u for u in urls if not u.startswith((self.url + "/", "blob:" + self.url))]
        assert urls and not strangers, strangers

    def whole(self):
        for step in (self.opening, self.sets, self.undecided, self.threshold, self.one_part, self.history, self.folder, self.cancel, self.gone, self.keyboard, self.sizes,
                     self.reload, self.requests, self.delete):
            print("step", step.__name__, flush=True)
            step()
        self.no_complaints()

    # ---- servers of another kind

    def with_key(self, key):
        b = self.b
        dialog = "document.querySelector('#key-dialog').open"
        b.open(self.url + "/")
        b.until(dialog)
        self.shot("key")
        assert b.js("document.activeElement.id") == "key" and b.js(text_of("#key-why")) != ""
        b.type("wrong")
        b.key("Enter", 13, "\r")
        b.until(dialog + f" && {text_of('#key-why')}.includes('refused the key')")
        b.key("Escape", 27)
        b.until(f"{count_of('#messages p')} === 1 && {IDLE}")
        assert b.js(text_of("#server")) == "Not connected."
        b.click("#key-change")
        b.until(dialog)
        b.type(key)
        b.click("#key-form button")
        b.until(f"{text_of('#server')}.startsWith('Model ') && {IDLE}")
        assert b.js("location.href") == self.url + "/" and key not in b.js("document.documentElement.outerHTML")
        self.close_messages()
        self.make_set("with key", self.good[:2])
        b.drop("#part-drop", self.parts[:1])
        b.until(f"{VERDICT} === 'open' && {IDLE}")
        self.no_complaints(allowed=["status of 401"])
        b.open(self.url + "/?again")  # the tab keeps it
        b.until(f"{count_of('#set-list li')} === 1 && {IDLE}")

    def small_bodies(self, limit):
        """Pictures beyond the limit are made smaller, and that is said."""
        b = self.b
        b.open(self.url + "/")
        b.until(IDLE)
        self.make_set("large", self.good[:4])
        sizes = [os.path.getsize(p) for p in self.good[:4]]
        assert sum(sizes) > limit - 65536 > max(sizes), (sizes, limit)
        assert len(self.messages()) >= 1 and all("is sent as a JPEG of" in m for m in self.messages()), self.messages()
        assert self.api.get("/v1/exemplars")["data"][0]["k"] == 4
        self.close_messages()
        b.drop("#part-drop", self.parts[:1])  # one alone fits
        b.until(f"{VERDICT} === 'open' && {IDLE}")
        assert self.messages() == []
        self.no_complaints()
        # more at once than the server lets wait: they come later, and none is lost
        b.choose("#part-files", self.good)
        b.until(f"{text_of('#many-state')}.startsWith('{len(self.good)} of {len(self.good)} done') && {IDLE}")
        assert {r[2] for r in self.rows()} == {"Undecided"} and self.messages() == [], (self.rows(), self.messages())
        self.no_complaints(allowed=["status of 429"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("parts")
    parser.add_argument("scratch")
    parser.add_argument("--shots")
    parser.add_argument("--key")
    parser.add_argument("--small", type=int)
    args = parser.parse_args()
    test = Test(args.url, args.parts, args.scratch, args.shots)
    try:
        if args.key:
            test.with_key(args.key)
        elif args.small:
            test.small_bodies(args.small)
        else:
            test.whole()
    finally:
        test.b.close()


main()
