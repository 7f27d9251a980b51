"""Scans made for the tests of the training rooms."""

import torch

from samdesk.training.data.pictures import TrainingPicture
from samdesk.training.data.scans import TrainingScan


def blob_scan(seed: int = 0) -> TrainingScan:
    """A body of random smooth blobs: enough for a network to tell places apart."""
    rng = torch.Generator().manual_seed(seed)
    knots = torch.randn(1, 1, 14, 12, 14, generator=rng) * 400
    hu = torch.nn.functional.interpolate(knots, size=(112, 96, 112), mode="trilinear")[0, 0]
    body = (hu > -2000).nonzero()[::7].float() * 2.5
    return TrainingScan("blobs", hu, torch.zeros(3), body)


def blob_picture(seed: int = 0, side: int = 256) -> TrainingPicture:
    """A radiograph of random smooth blobs."""
    rng = torch.Generator().manual_seed(seed)
    knots = torch.randn(1, 1, side // 12, side // 12, generator=rng) * 300
    values = torch.nn.functional.interpolate(knots, size=(side, side), mode="bicubic")[0, 0]
    places = torch.rand(500, 2, generator=rng) * (side - 1)
    return TrainingPicture("blobs", values.clamp(-1000, 1000), places)
