"""What `iad-bench speed annotate` compares with: the openai package's asyncio client, as a script of an evening would use it.

    annotate_baseline.py URL FOLDER OUT CONCURRENCY

Sends every *.jpg of FOLDER as it lies there (no decoding, no encoding) with one question, CONCURRENCY at a time, and writes a line of
JSON for every answer to OUT. Prints the package's version, the answers and the seconds that they took, without the start of Python.
"""
import asyncio
import base64
import glob
import json
import os
import sys
import time

try:
    import openai
except ImportError as e:
    sys.exit('baseline missing: %s' % e)

PROMPT = '''Category: part

Describe the product in three texts of 40 to 80 words each. Answer with one JSON object and nothing else,
with the keys shape_structure, material_surface, details, is_product_photo, category_match, object_count, view, watermark, defect_visible, defect_note, language.'''


async def main():
    url, folder, out, concurrency = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    client = openai.AsyncOpenAI(base_url=url, api_key='none', max_retries=5)
    gate = asyncio.Semaphore(concurrency)
    good = 0

    async def ask(path, file):
        nonlocal good
        async with gate:
            with open(path, 'rb') as f:
                uri = 'data:image/jpeg;base64,' + base64.b64encode(f.read()).decode()
            answer = await client.chat.completions.create(
                model='scripted-vl', max_tokens=700, temperature=0.2, response_format={'type': 'json_object'},
                messages=[{'role': 'user', 'content': [{'type': 'image_url', 'image_url': {'url': uri}}, {'type': 'text', 'text': PROMPT}]}])
            fields = json.loads(answer.choices[0].message.content)
            file.write(json.dumps({'file': os.path.basename(path), 'fields': fields, 'tokens': answer.usage.total_tokens}) + '\n')
            file.flush()
            good += 1

    start = time.monotonic()
    with open(out, 'w') as file:
        await asyncio.gather(*(ask(path, file) for path in sorted(glob.glob(os.path.join(folder, '*.jpg')))))
    print('result openai-%s %d %.6f' % (openai.__version__, good, time.monotonic() - start))


if __name__ == '__main__':
    asyncio.run(main())
