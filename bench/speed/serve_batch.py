#!/usr/bin/env python3
"""serve_batch.py --bin FOLDER --model DIR [--side PX] [--pictures N] [--clients C] [--rounds R] GOOD... : what joining the waiting inspections of one exemplar
set into batches is worth. Two servers, --batch 1 and --batch 64, one session each, take turns; clients send one picture per request and wait for its reply.
Pictures per second, the median of the rounds, and their ratio; and processor time per picture, which busy neighbours change less. The replies of both must be
equal. Standard library only."""
import argparse
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import threading
import time

p = argparse.ArgumentParser()
p.add_argument("--bin", required=True)
p.add_argument("--model", required=True)
p.add_argument("--size", default="224x224", help="that pictures are brought to")
p.add_argument("--pictures", type=int, default=96, help="of a round")
p.add_argument("--clients", type=int, default=32)
p.add_argument("--rounds", type=int, default=5)
p.add_argument("--threads", type=int, default=2)
p.add_argument("--good", nargs="+", required=True)
p.add_argument("parts", nargs="+")
o = p.parse_args()


def body(fields, files):
    out = b""
    for name, text in fields:
        out += b'--BB\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), text.encode())
    for name, path in files:
        out += b'--BB\r\nContent-Disposition: form-data; name="%s"; filename="x.png"\r\n\r\n%s\r\n' % (name.encode(), pathlib.Path(path).read_bytes())
    return out + b"--BB--\r\n"


def post(connection, path, data):
    connection.request("POST", path, data, {"Content-Type": "multipart/form-data; boundary=BB"})
    reply = connection.getresponse()
    text = reply.read()
    if reply.status not in (200, 201):
        raise SystemExit(f"{path}: {reply.status} {text[:300]}")
    return json.loads(text)


class Server:
    def __init__(self, batch, folder):
        ready = pathlib.Path(folder, f"ready{batch}")
        self.process = subprocess.Popen([o.bin + "/iadgpt", "serve", "--model", o.model, "--port", "0", "--ready", ready, "--sessions", "1", "--batch", str(batch),
                                         "--threads", str(o.threads), "--quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not ready.exists():
            time.sleep(0.05)
        self.port = int(ready.read_text().rsplit(":", 1)[1].strip("/\n"))
        options = json.dumps({"name": "speed", "settings": {"image_size": o.size}})
        self.id = post(self.connect(), "/v1/exemplars", body([("options", options)], [("images", g) for g in o.good]))["id"]

    def processor(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port)

    def round(self, bodies):
        work, lock, scores, batches = iter(range(o.pictures)), threading.Lock(), {}, []

        def client():
            connection = self.connect()
            while True:
                with lock:
                    i = next(work, None)
                if i is None:
                    return
                result = post(connection, "/v1/inspect", bodies[i % len(bodies)])["results"][0]
                with lock:
                    scores[i % len(bodies)] = result["score"]
                    batches.append(result["batch"])

        threads = [threading.Thread(target=client) for _ in range(o.clients)]
        start = time.monotonic()
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return o.pictures / (time.monotonic() - start), scores, statistics.mean(batches)


with tempfile.TemporaryDirectory() as folder:
    servers = [Server(1, folder), Server(64, folder)]
    rates, work, known, mean = [[], []], [[], []], None, 0
    try:
        for turn in range(o.rounds + 1):  # the first one warms up
            for which, server in enumerate(servers):
                options = json.dumps({"exemplar_set": server.id, "map": []})
                bodies = [body([("options", options)], [("images", part)]) for part in o.parts]
                before = server.processor()
                rate, scores, batch = server.round(bodies)
                known = known or scores
                assert scores == known, "batches change the answers"
                if turn:
                    rates[which].append(rate)
                    work[which].append((server.processor() - before) / o.pictures * 1000)
                    mean = batch if which else mean
    finally:
        for server in servers:
            server.process.terminate()
            server.process.wait()
one, many = (statistics.median(r) for r in rates)
alone, joined = (statistics.median(w) for w in work)
print(f"one_by_one_per_second={one:.2f} batched_per_second={many:.2f} ratio={many / one:.2f} mean_batch={mean:.1f} "
      f"one_by_one_cpu_ms={alone:.2f} batched_cpu_ms={joined:.2f} cpu_ratio={alone / joined:.2f} "
      f"pictures={o.pictures} clients={o.clients} rounds={o.rounds} size={o.size}")
