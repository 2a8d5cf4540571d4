"""What every test of the page needs: the browser on it, the same questions without a browser, what the page says."""
import base64
import json
import os
import urllib.request

from devtools import Browser

IDLE = "document.querySelector('#main').getAttribute('aria-busy') === 'false'"
VERDICT = "document.querySelector('#verdict').dataset.verdict"


def text_of(selector):
    return f"document.querySelector('{selector}').textContent"


def count_of(selector):
    return f"document.querySelectorAll('{selector}').length"


def shows(text, score, threshold):
    """Whether a text of the page is this score: three digits at least, and as many as it takes to stand apart from the threshold. The last
    bits of a score depend on how many pictures went through the model together."""
    digits = len(text.split(".")[1])
    return digits >= 3 and abs(float(text) - score) <= 0.5 * 10**-digits + 1e-6 and text != f"{threshold:.{digits}f}"


class Api:
    """The same questions without a browser."""

    def __init__(self, url):
        self.url = url

    def get(self, path):
        with urllib.request.urlopen(self.url + path) as reply:
            return json.load(reply)

    def inspect(self, set_id, path):
        with open(path, "rb") as f:
            picture = "data:image/png;base64," + base64.b64encode(f.read()).decode()
        body = json.dumps({"images": [picture], "exemplar_set": set_id, "map": ["grid"]}).encode()
        request = urllib.request.Request(self.url + "/v1/inspect", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            whole = json.load(reply)
        return {**whole["results"][0], "threshold": whole["threshold"]}


class PageTest:
    def __init__(self, url, parts, scratch, shots=None):
        self.url, self.scratch, self.shots = url.rstrip("/"), scratch, shots
        self.api, self.b = Api(self.url), Browser(scratch)
        train, test = os.path.join(parts, "train", "good"), os.path.join(parts, "test")
        self.good = sorted(os.path.join(train, name) for name in os.listdir(train))
        self.parts = sorted(os.path.join(d, name) for d, _, names in os.walk(test) for name in names)
        self.b.send("Page.addScriptToEvaluateOnNewDocument", source="""
            window.seen = { violations: [], shifts: [] };
            document.addEventListener('securitypolicyviolation', (e) => seen.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
            new PerformanceObserver((list) => {
              for (const e of list.getEntries()) for (const s of e.sources)
                if (s.node?.nodeName !== 'LI') seen.shifts.push(`${s.node?.id || s.node?.nodeName}: ${JSON.stringify([s.previousRect, s.currentRect])}`); // a new part pushes the history's others
            }).observe({ type: 'layout-shift', buffered: true });
        """)

    def shot(self, name):
        if self.shots:
            self.b.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            self.b.shot(os.path.join(self.shots, name + ".png"))

    def no_complaints(self, allowed=()):
        left = [c for c in self.b.complaints if not any(a in c for a in allowed)]
        assert not left, left
        self.b.complaints.clear()
        assert self.b.js("seen.violations") == [], self.b.js("seen.violations")

    def messages(self):
        return self.b.js("[...document.querySelectorAll('#messages p')].map((p) => p.textContent)")

    def close_messages(self):
        self.b.js("document.querySelectorAll('#messages button').forEach((b) => b.click())")

    def set_id(self):
        return self.b.js("document.querySelector('#set-list input:checked').value")

    def make_set(self, name, pictures):
        b, before = self.b, self.b.js(count_of("#set-list li"))
        b.js("document.querySelector('#set-new').open = true")
        b.drop("#good-drop", pictures)
        b.until(f"{count_of('#good-thumbs li')} === {len(pictures)}")
        b.click("#set-name")
        b.type(name)
        b.click("#set-make")
        b.until(f"{count_of('#set-list li')} === {before + 1} && {IDLE}")
