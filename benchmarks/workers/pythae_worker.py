"""An epoch of pythae's trainer on the same network, as it comes or with PyTorch's fused Adam.

pythae_worker.py plain|fused cpu|gpu
"""

from __future__ import annotations

import importlib.metadata
import logging
import sys
import tempfile

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from rows import LEARNING_RATE, PIXELS
from serve import Given, Row, Tasks, serve
from torch_model import VAE as Parts

logging.disable(logging.CRITICAL)
FUSED = sys.argv[1] == "fused"
OUTPUT = tempfile.TemporaryDirectory()


class Encoder(BaseEncoder):
    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.shared, self.mean, self.log_covariance = parts.shared, parts.mean, parts.std

    def forward(self, data: torch.Tensor) -> ModelOutput:
        features = self.shared(data).tanh()
        return ModelOutput(embedding=self.mean(features), log_covariance=self.log_covariance(features))


class Decoder(BaseDecoder):
    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.generator = parts.generator

    def forward(self, z: torch.Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.generator(z).sigmoid())


def make(row: Row, given: Given) -> Tasks:
    parts = Parts(row, given)
    config = VAEConfig(input_dim=(PIXELS,), latent_dim=row.latent, reconstruction_loss="bce")
    pixels = torch.from_numpy(given["pixels"]) >= 128
    trainer = BaseTrainer(
        VAE(config, Encoder(parts), Decoder(parts)),
        BaseDataset(pixels, torch.zeros(len(pixels))),
        training_config=BaseTrainerConfig(
            output_dir=OUTPUT.name,
            per_device_train_batch_size=row.batch,
            optimizer_params={"fused": True} if FUSED else None,
            learning_rate=LEARNING_RATE,
            no_cuda=sys.argv[2] == "cpu",
        ),
    )
    trainer.prepare_training()

    def epoch() -> float:
        loss = trainer.train_step(1)  # it reads each step's loss, and so waits for it
        trainer.callback_handler.on_epoch_end(trainer.training_config)
        return -loss

    return {"epoch": epoch}


serve(
    make,
    f"pythae {importlib.metadata.version('pythae')}, torch {torch.__version__}, {torch.get_num_threads()} threads, "
    f"{'fused ' * FUSED}Adam, binary pixels held ready",
)
