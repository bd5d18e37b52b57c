#!/usr/bin/env bash
# What tests and benchmarks use where it is there, on Debian and Ubuntu: a browser, to open reports in, and data.
# Run as root. Without these packages the tests that need them are skipped.
set -euo pipefail

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends chromium chromium-driver dataset-fashion-mnist dict-wn

# 380 MB of pictures for the pool wallpaper-crops, only if they are asked for: scripts/debian-packages.sh wallpapers
if [ "${1:-}" = wallpapers ]; then
  apt-get install -y --no-install-recommends \
    plasma-workspace-wallpapers mate-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 ukui-wallpapers
fi

# 125 MB of drawings for the data set clip-art, likewise: scripts/debian-packages.sh clip-art
if [ "${1:-}" = clip-art ]; then
  apt-get install -y --no-install-recommends openclipart-png
fi
