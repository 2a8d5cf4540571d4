#!/usr/bin/env python3
"""openai_client.py URL MODEL PICTURE [KEY]: a running `iadgpt serve` through the openai package: models, chats whole and streamed, schemas,
log probabilities, errors. Needs `pip install openai`; ends with 0 when all is as that package expects."""
import base64
import json
import sys

import openai

url, model, picture = sys.argv[1:4]
client = openai.OpenAI(base_url=url.rstrip("/") + "/v1", api_key=sys.argv[4] if len(sys.argv) > 4 else "none", max_retries=0)
assert [m.id for m in client.models.list()] == [model]

with open(picture, "rb") as file:
    uri = "data:image/png;base64," + base64.b64encode(file.read()).decode()
messages = [{"role": "system", "content": "You inspect parts."},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": uri, "detail": "high"}}, {"type": "text", "text": "What is wrong with it?"}]}]
ask = dict(model=model, messages=messages, max_completion_tokens=12, temperature=0, seed=1)

whole = client.chat.completions.create(**ask, logprobs=True, top_logprobs=3)
choice = whole.choices[0]
assert choice.finish_reason in ("stop", "length") and whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
assert len(choice.logprobs.content) == whole.usage.completion_tokens and len(choice.logprobs.content[0].top_logprobs) == 3
spoken = b"".join(bytes(t.bytes) for t in choice.logprobs.content).decode("utf-8", "replace").replace("\0", "\ufffd")
assert spoken == choice.message.content, (spoken, choice.message.content)

pieces, usage = [], None
for chunk in client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}):
    usage = chunk.usage or usage
    pieces += [c.delta.content or "" for c in chunk.choices]
assert "".join(pieces) == choice.message.content
assert usage.prompt_tokens == whole.usage.prompt_tokens and usage.prompt_tokens_details.cached_tokens >= 0

schema = {"type": "object", "properties": {"ok": {"type": "boolean"}, "count": {"type": "integer", "minimum": 0, "maximum": 9}}, "required": ["ok", "count"]}
answer = client.chat.completions.create(**ask | {"max_completion_tokens": 60}, response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema}})
value = json.loads(answer.choices[0].message.content)
assert isinstance(value["ok"], bool) and 0 <= value["count"] <= 9
value = json.loads(client.chat.completions.create(**ask, response_format={"type": "json_object"}).choices[0].message.content)
assert isinstance(value, dict)
extra = client.chat.completions.create(**ask, extra_body={"iad": {"choices": ["good", "bad"]}})
assert extra.choices[0].message.content in ("good", "bad") and extra.model_extra["iad"]["prefix"] in ("hit", "miss")

for change, error in (({"model": "other"}, openai.NotFoundError), ({"temperature": 9}, openai.BadRequestError), ({"n": 2}, openai.BadRequestError)):
    try:
        client.chat.completions.create(**ask | change)
    except error as e:
        assert e.body["param"] == next(iter(change)), e.body
    else:
        raise AssertionError(f"{change} was taken")
print("ok")
