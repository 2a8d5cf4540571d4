"""The work that people do on the page: sets, thresholds, one part, many parts."""
import base64
import csv
import json
import os
import re
import shutil
import struct
import time
import urllib.request

from pagetest import IDLE, VERDICT, PageTest, count_of, shows, text_of


class Work(PageTest):
    # ---- a set and its threshold

    def opening(self):
        b = self.b
        b.open(self.url + "/")
        b.until(IDLE)
        with urllib.request.urlopen(self.url + "/") as reply:
            policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy, policy
        model = self.api.get("/v1/models")["data"][0]["id"]
        assert f"Model {model} " in b.js(text_of("#server"))
        assert b.js("document.querySelector('#set-new').open") and b.js(count_of("#set-list li")) == 0
        self.shot("empty")
        # a part before there is a set: said, not sent
        b.drop("#part-drop", self.parts[:1])
        b.until(f"{count_of('#messages p')} === 1")
        assert "First make or choose a set" in self.messages()[0]
        self.close_messages()
        # a set without name or pictures: said, not sent
        b.click("#set-make")
        b.until(text_of("#set-state") + " === 'The set needs a name.'")
        assert b.js("document.activeElement.id") == "set-name"

    def sets(self):
        b = self.b
        # 18 pictures are too many; one is taken away again
        b.choose("#good-files", self.good[:18])
        b.until(f"{count_of('#good-thumbs li')} === 16")
        assert "at most 16 pictures: 2 pictures left out" in self.messages()[0], self.messages()
        self.close_messages()
        for left in range(15, 2, -1):
            b.click("#good-thumbs li:last-child button")
            b.until(f"{count_of('#good-thumbs li')} === {left}")
        b.drop("#good-drop", self.good[3:4])
        b.until(f"{count_of('#good-thumbs li')} === 4")
        b.click("#set-name")
        b.type("gear <b>top</b>")  # text, whatever it looks like
        self.shot("new-set")
        b.click("#set-make")
        b.until(f"{count_of('#set-list li')} === 1 && {IDLE}")
        stored = self.api.get("/v1/exemplars")["data"]
        assert [(s["name"], s["k"], s["calibration"]) for s in stored] == [("gear <b>top</b>", 4, None)], stored
        assert self.set_id() == stored[0]["id"] and "gear <b>top</b>" in b.js(text_of("#set-list"))
        assert "No threshold yet" in b.js(text_of("#calib-state"))

    def undecided(self):
        self.b.drop("#part-drop", self.parts[:1])
        self.b.until(f"{VERDICT} === 'open' && {IDLE}")
        assert "no threshold" in self.b.js(text_of("#score"))

    def threshold(self):
        b = self.b
        b.js("document.querySelector('#calib-rate').value = '0.3'")
        b.choose("#calib-files", self.good[4:10])  # two portions, and too few
        b.until(f"{text_of('#calib-state')}.startsWith('6 of the 9 good pictures') && {IDLE}")
        assert "30 % needs 9" in b.js(text_of("#calib-need")) or b.js("document.querySelector('#calib-rate').dispatchEvent(new Event('change'))")
        b.drop("#calib-drop", self.good[10:14])
        b.until(f"{text_of('#calib-state')}.startsWith('A part above') && {IDLE}")
        c = self.api.get("/v1/exemplars/" + self.set_id())["calibration"]
        assert (c["pictures"], c["needed"], c["target_fpr"]) == (10, 9, 0.3), (c, self.messages())
        assert f"above {c['threshold']:.3f} is Not OK. From 10 good pictures" in b.js(text_of("#calib-state"))
        assert f"threshold {c['threshold']:.3f}" in b.js(text_of("#against"))
        # a picture of the set itself is refused, and the page says what the server said; the one beside it counts
        b.drop("#calib-drop", [self.good[0], self.good[16]])
        b.until(f"{count_of('#messages p')} === 1 && {text_of('#calib-state')}.includes('From 11 good pictures') && {IDLE}")
        assert self.messages()[0].startswith(os.path.basename(self.good[0]) + ": images[0] is one of the set's own pictures"), self.messages()
        self.close_messages()
        self.no_complaints(allowed=["status of 400"])

    # ---- one part

    def one_part(self):
        b = self.b
        b.js("""seen.states = new Set();
                new MutationObserver(() => seen.states.add(document.querySelector('#words').textContent))
                    .observe(document.querySelector('#words'), { childList: true, characterData: true, subtree: true })""")
        b.js("seen.shifts = []")
        b.drop("#part-drop", self.parts[1:2])
        b.until(f"{text_of('#file')} === '{os.path.basename(self.parts[1])}' && ['ok', 'bad'].includes({VERDICT}) && {IDLE}")
        assert b.js("seen.shifts") == [], b.js("seen.shifts")
        want = self.api.inspect(self.set_id(), self.parts[1])
        score, threshold = re.fullmatch(r"Score ([\d.]+), threshold ([\d.]+)", b.js(text_of("#score"))).groups()
        assert shows(score, want["score"], want["threshold"]), (score, want["score"])
        assert threshold == f"{want['threshold']:.{len(score) - 2}f}", (score, threshold)
        assert b.js(VERDICT) == {"anomalous": "bad", "normal": "ok"}[want["verdict"]]
        assert b.js(text_of("#verdict b")) == {"anomalous": "Not OK", "normal": "OK"}[want["verdict"]]
        assert b.js("seen.states.size") >= 3, "the words did not come piece by piece"
        assert len(b.js(text_of("#words"))) > 0
        self.heat(want)
        self.boxes(want)
        self.shot("part")

    def heat(self, want):
        """The map on the canvas is hottest where the model's grid is, and its opacity follows the slider."""
        b = self.b
        columns, rows = want["map"]["grid"]
        grid = struct.unpack(f"<{columns * rows}f", base64.b64decode(want["map"]["f32"]))
        lo, hi = want["map"]["lo"], want["map"]["hi"]
        heats = b.js("""(() => { const c = document.querySelector('#map'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
                                 return [c.width, c.height, Array.from({ length: d.length / 4 }, (_, i) => d[4 * i + 3])]; })()""")
        width, height, alpha = heats
        assert max(alpha) > 0 and width > columns and height > rows
        for row in range(rows):
            for column in range(columns):  # the middle of every cell is the cell's own value
                t = min(max((grid[row * columns + column] - lo) / (hi - lo), 0), 1)
                x, y = int((column + 0.5) * width / columns), int((row + 0.5) * height / rows)
                assert abs(alpha[y * width + x] - 255 * t) <= 255 * 0.08, (row, column, alpha[y * width + x], 255 * t)
        opacity = "getComputedStyle(document.querySelector('#map')).opacity"
        assert b.js(opacity) == "0.55"
        b.js("document.querySelector('#opacity').focus()")
        for _ in range(5):
            b.key("ArrowRight", 39)
        b.until(opacity + " === '0.6'")
        b.key("Home", 36)
        b.until(opacity + " === '0'")
        b.key("End", 35)
        b.until(opacity + " === '1'")
        assert b.js(text_of("#opacity-out")) == "100 %"
        b.js("document.querySelector('#opacity').value = 55; document.querySelector('#opacity').dispatchEvent(new Event('input'))")

    def boxes(self, want):
        b = self.b
        drawn = b.js("[...document.querySelectorAll('#boxes rect.over')].map((r) => ['x', 'y', 'width', 'height'].map((a) => Number(r.getAttribute(a))))")
        assert drawn == [[w["x0"], w["y0"], w["x1"] - w["x0"] + 1, w["y1"] - w["y0"] + 1] for w in want["boxes"]] and drawn, (drawn, want["boxes"])
        visible = "getComputedStyle(document.querySelector('#boxes')).visibility"
        assert b.js(visible) == "visible"
        b.click("#show-boxes")
        b.until(visible + " === 'hidden'")
        b.click("#show-boxes")
        b.until(visible + " === 'visible'")

    def history(self):
        b = self.b
        strange = os.path.join(self.scratch, "<img src=x onerror=alert(1)>.png")
        shutil.copy(self.parts[2], strange)
        b.click("#explain")  # without words
        b.drop("#part-drop", [strange])
        b.until(f"{text_of('#file')} === {json.dumps(os.path.basename(strange))} && ['ok', 'bad'].includes({VERDICT}) && {IDLE}")
        assert b.js(text_of("#words")) == "" and b.js(count_of("#history button")) == 3 and b.js(count_of("#history img")) == 0
        score = b.js(text_of("#score"))
        # words for a part that has none yet
        b.click("#explain-now")
        b.until(f"{text_of('#words')} !== '' && {IDLE}")
        assert b.js(text_of("#score")) == score
        b.click("#history li:last-child button")  # the first, undecided one
        b.until(f"{VERDICT} === 'open'")
        assert b.js(text_of("#file")) == os.path.basename(self.parts[0])
        b.click("#history li:first-child button")
        b.until(f"{text_of('#score')} === {json.dumps(score)}")
        # no picture: the server's own words
        no_picture = os.path.join(self.scratch, "notes.png")
        with open(no_picture, "w", encoding="utf-8") as f:
            f.write("no picture")
        b.drop("#part-drop", [no_picture])
        b.until(f"{VERDICT} === 'failed' && {IDLE}")
        assert "notes.png" in b.js(text_of("#stage-hint")) and self.messages() and self.messages()[0] == b.js(text_of("#score")), self.messages()
        self.shot("failed")
        self.close_messages()
        self.no_complaints(allowed=["status of 400"])

    # ---- many parts

    def folder(self):
        b, root = self.b, os.path.join(self.scratch, "folder")
        os.makedirs(os.path.join(root, "deep", "er"))
        names = ["part2.png", "part10.png", "deep/=1+1.png", "deep/er/a,b.png", "broken.png"]
        for name, source in zip(names, self.parts):
            shutil.copy(source, os.path.join(root, name))
        with open(os.path.join(root, "broken.png"), "r+b") as f:
            f.truncate(300)
        with open(os.path.join(root, "deep", "readme.txt"), "w", encoding="utf-8") as f:
            f.write("not a picture")
        b.drop("#part-drop", [root])
        b.until(f"{count_of('#rows tr')} === {len(names)} && {IDLE}")
        assert any("1 file of the folder is no picture" in m for m in self.messages()), self.messages()
        self.close_messages()
        rows = self.rows()
        want = ["folder/broken.png", "folder/deep/=1+1.png", "folder/deep/er/a,b.png", "folder/part2.png", "folder/part10.png"]
        assert [r[0] for r in rows] == want, rows
        assert rows[0][2].startswith("Not inspected: ") and all(r[2] in ("OK", "Not OK") for r in rows[1:]), rows
        for name, score, verdict in rows[1:]:
            want = self.api.inspect(self.set_id(), os.path.join(self.scratch, name))
            assert shows(score, want["score"], want["threshold"]), (name, score, want["score"])
            assert verdict == {"anomalous": "Not OK", "normal": "OK"}[want["verdict"]], (name, verdict)
        assert b.js(text_of("#many-state")).startswith("5 of 5 done"), b.js(text_of("#many-state"))
        for clicks, down in ((1, True), (2, False)):
            b.click("[data-sort=score]")
            scores = [float(r[1] or -1) for r in self.rows()]
            assert scores == sorted(scores, reverse=down), (clicks, scores)
            assert b.js("document.querySelector('[data-sort=score]').closest('th').ariaSort") == ("descending" if down else "ascending")
        b.click("[data-sort=verdict]")
        order = [r[2].split(":")[0] for r in self.rows()]
        assert order == sorted(order, key=["Not OK", "Undecided", "OK", "Not inspected"].index), order
        b.click("[data-sort=name]")
        self.take_csv(self.rows())
        b.click("#rows tr:last-child button")
        b.until(f"{text_of('#file')} === 'folder/part10.png' && {text_of('#score')}.includes('{rows[4][1]}')")
        self.shot("many")
        self.no_complaints(allowed=["status of 400"])

    def rows(self):
        return self.b.js("[...document.querySelectorAll('#rows tr')].map((r) => [...r.cells].slice(1).map((c) => c.textContent.trim()))")

    def take_csv(self, rows):
        b, folder = self.b, os.path.join(self.scratch, "downloads")
        os.mkdir(folder)
        b.send("Page.setDownloadBehavior", behavior="allow", downloadPath=folder)
        b.click("#many-csv")
        path = os.path.join(folder, "iadgpt.csv")
        while not os.path.exists(path):
            time.sleep(0.05)
        with open(path, newline="", encoding="utf-8") as f:
            head, *lines = list(csv.reader(f))
        assert head[:4] == ["file", "score", "verdict", "threshold"] and len(lines) == len(rows)
        for line, row in zip(lines, rows):
            assert line[0] == row[0] and line[2] == row[2].split(":")[0], (line, row)
            assert shows(row[1], float(line[1]), float(line[3])) if line[1] else row[1] == "", (line, row)
            assert bool(line[6]) == row[2].startswith("Not inspected"), line

    def cancel(self):
        """A run that is stopped keeps what it has, and goes on."""
        b, n = self.b, 24
        b.click("#many-close")
        b.until("document.querySelector('#many').hidden")
        copies = []
        for i in range(n):
            copies.append(os.path.join(self.scratch, f"copy{i}.png"))
            shutil.copy(self.parts[i % len(self.parts)], copies[-1])
        b.js("""new MutationObserver((_, self) => { // as soon as one is done
                  if (document.querySelector('#rows tr[data-verdict=ok], #rows tr[data-verdict=bad]')) { self.disconnect(); document.querySelector('#many-stop').click(); }
                }).observe(document.querySelector('#rows'), { subtree: true, attributes: true, childList: true })""")
        b.drop("#part-drop", copies)
        b.until(f"{count_of('#rows tr')} === {n} && {text_of('#many-stop')} === 'Go on' && {IDLE}")
        done = b.js(count_of("#rows tr:is([data-verdict=ok], [data-verdict=bad])"))
        assert 1 <= done < n, done
        assert b.js(text_of("#many-state")).startswith(f"{done} of {n} done"), b.js(text_of("#many-state"))
        b.click("#many-stop")
        b.until(f"{text_of('#many-state')}.startsWith('{n} of {n} done') && {IDLE}")
        scores = {r[0]: float(r[1]) for r in self.rows()}
        for i in range(n):  # copies of one picture have one score, as far as it is shown
            assert abs(scores[f"copy{i}.png"] - scores[f"copy{i % len(self.parts)}.png"]) <= 2e-5, i
        self.no_complaints()

    def gone(self):
        """A server that is gone ends the run once, not every part of it; when it is there again, the run goes on."""
        b = self.b
        b.click("#many-close")
        connected = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        b.send("Network.emulateNetworkConditions", offline=True, **connected)
        b.drop("#part-drop", [os.path.join(self.scratch, f"copy{i}.png") for i in range(6)])
        b.until(f"{count_of('#rows tr')} === 6 && {text_of('#many-stop')} === 'Go on' && {IDLE}")
        assert self.messages() == ["The server does not answer. Is it still running?"], self.messages()
        assert {r[2] for r in self.rows()} == {"Cancelled", "Waiting"}, self.rows()
        self.close_messages()
        b.send("Network.emulateNetworkConditions", offline=False, **connected)
        b.click("#many-stop")
        b.until(f"{text_of('#many-state')}.startsWith('6 of 6 done') && {IDLE}")
        assert {r[2] for r in self.rows()} <= {"OK", "Not OK"}, self.rows()
        self.no_complaints(allowed=["ERR_INTERNET_DISCONNECTED"])
