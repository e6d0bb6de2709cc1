"""Trains a network for 20 steps in PyTorch and saves it, or answers for one that C# trained.

    trained.py train NETWORK.safetensors ANSWER.safetensors SEED
    trained.py answer NETWORK.safetensors ANSWER.safetensors

ANSWER holds the images (written by `train`, read by `answer`) and receives the logits of the network in eval mode.
"""
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "interop", "pytorch"))
import xsepconv_torch as xsep  # noqa: E402

STEPS = 20
CLASSES = 5


def train(network_path: str, answer_path: str, seed: int) -> None:
    torch.manual_seed(seed)
    spec = xsep.mobilenet_v3_small_spec(CLASSES, preset="Cifar", width=0.35)
    network = xsep.MobileNet(spec)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    for _ in range(STEPS):
        loss = torch.nn.functional.cross_entropy(network(torch.randn(8, 3, 16, 16)), torch.randint(CLASSES, (8,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.save_safetensors(network_path)
    answer(network, torch.randn(4, 3, 20, 17), answer_path)


def answer(network: torch.nn.Module, images: torch.Tensor, path: str) -> None:
    network.double().eval()
    with torch.no_grad():
        xsep.save_safetensors({"images": images, "logits": network(images.double())}, path)


def main() -> None:
    torch.set_num_threads(1)
    command, network_path, answer_path = sys.argv[1:4]
    if command == "train":
        train(network_path, answer_path, int(sys.argv[4]))
        return
    state, metadata = xsep.load_safetensors(network_path)
    network = xsep.MobileNet.from_json(metadata["xsepconv.network"])
    network.load_state_dict(state, strict=True)
    assert int(state["bn1.num_batches_tracked"]) == STEPS, "the counter of batches did not arrive"
    answer(network, xsep.load_safetensors(answer_path)[0]["images"], answer_path)


main()
