#!/usr/bin/env bash
# Prints the wheel of mmcv with its compiled ops, and builds it if need be.
#
#     compiled_mmcv.sh PYTHON VERSION WHEELHOUSE
#
# PYTHON has torch, setuptools, wheel, ninja and psutil. The wheel is kept in
# WHEELHOUSE, in a folder for its torch; pip's own cache would mix it up with
# the wheel without ops, which has the same name and version. The ops run on
# the CPU: enough for tests, and no CUDA toolkit is needed.
set -euo pipefail

python=$1 version=$2 wheelhouse=$3

wheel() {
    "$python" - "$wheelhouse" "onedl_mmcv-$version" <<'END'
import sys
from pathlib import Path

import torch

folder = Path(sys.argv[1], f'torch-{torch.__version__}').resolve()
tag = 'cp{}{}'.format(*sys.version_info)
found = sorted(folder.glob(f'{sys.argv[2]}-{tag}-*.whl'))
print(found[-1] if found else folder)
END
}

found=$(wheel)
if [[ $found != *.whl ]]; then
    compiler=${CXX:-c++}
    if ! command -v "$compiler" >/dev/null; then
        echo "The ops of mmcv are compiled here, and there is no compiler" \
            "'$compiler': install one (g++), name it in CXX, or put a wheel" \
            "of onedl-mmcv $version that has ops into $found" >&2
        exit 1
    fi
    echo "Compiling mmcv; 6 minutes on two idle cores" >&2
    mkdir -p "$found"
    # A build that is broken off must not leave half a wheel there.
    partial=$(mktemp -d "$found/partial.XXXXXX")
    trap 'rm -rf "$partial"' EXIT
    # Without optimisation it takes less than half of the time.
    env CUDA_VISIBLE_DEVICES= MMCV_WITH_OPS=1 FORCE_CUDA=0 \
        CFLAGS="${CFLAGS:--O1 -w}" MAX_JOBS="${MAX_JOBS:-$(nproc)}" \
        PATH="$(dirname "$python"):$PATH" \
        "$python" -m pip wheel --no-build-isolation --no-cache-dir --no-deps \
        --wheel-dir "$partial" "onedl-mmcv==$version" >&2
    mv "$partial"/*.whl "$found"
    found=$(wheel)
fi
if [[ $found != *.whl ]]; then
    echo "The build made no wheel with ops for this Python: $found" >&2
    exit 1
fi
echo "$found"
