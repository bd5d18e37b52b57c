"""A module that imports torch while it registers."""

import torch

assert torch
