"""What `iad-bench speed crawl` compares with: img2dataset on the same list of addresses.

    crawl_baseline.py LIST OUT SIDE PROCESSES THREADS

Downloads, decodes, resizes the longer side to SIDE, encodes as JPEG of quality 95, hashes with SHA-256 and stores files. Prints its version and how many pictures succeeded.
"""
import glob
import json
import os
import sys

os.environ.setdefault('NO_ALBUMENTATIONS_UPDATE', '1')  # it would ask a server for its newest version
try:
    from img2dataset import download
except ImportError as e:
    sys.exit('baseline missing: %s' % e)
from importlib.metadata import version


def main():
    urls, out, side, processes, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
    download(url_list=urls, output_folder=out, output_format='files', input_format='txt', image_size=side, resize_mode='keep_ratio_largest', resize_only_if_bigger=True,
             encode_format='jpg', encode_quality=95, processes_count=processes, thread_count=threads, compute_hash='sha256', retries=0, timeout=10, number_sample_per_shard=1000)
    done = sum(json.load(open(path))['successes'] for path in glob.glob(os.path.join(out, '*_stats.json')))
    print('result img2dataset-%s %d' % (version('img2dataset'), done))


if __name__ == '__main__':
    main()
