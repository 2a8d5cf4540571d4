#!/usr/bin/env bash
# The metric library against scikit-learn and NumPy, where they are installed.
set -euo pipefail
python3 -c 'import numpy, scipy, sklearn; numpy.trapezoid' 2>/dev/null || { echo "skipped: no scikit-learn with NumPy 2"; exit 77; }
[ -x "$IAD_TESTBIN/metrics_cli" ] || { echo "skipped: metrics_cli is not built"; exit 77; }
python3 "$IAD_SOURCE/tests/tools/oracle_metrics.py" "$IAD_TESTBIN/metrics_cli" 1
