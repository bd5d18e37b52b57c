#!/usr/bin/env bash
# What tests and benchmarks use where it is there, on Debian and Ubuntu: a browser, to open reports in, and data.
# Run as root. Without these packages the tests that need them are skipped.
set -euo pipefail

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends chromium chromium-driver dataset-fashion-mnist dict-wn
