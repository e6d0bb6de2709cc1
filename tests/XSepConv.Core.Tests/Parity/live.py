"""PyTorch's side of the live comparison: python3 live.py FOLDER. Needs torch.

FOLDER/request.json   {"cases": [...], "profiles": [...], "tables": [...]}, written by the C# test
A case has a "name", one of "block", "operator" or "network" as in the golden files, and two files of float64 tensors:
  NAME.weights.safetensors   the state dict, loaded strictly
  NAME.data.safetensors      "input", and "weighting" in the output's shape; the loss is sum(output * weighting)
For each, this writes
  NAME.results.safetensors   eval, eval-input-gradient, eval-gradient/param, train, input-gradient, gradient/param, buffer/param,
                             and after: the output in eval mode after one step of gradient descent at rate 0.01
  NAME.after.safetensors     the state dict after that step
A profile has a "name", a "network" and an "input" shape; their parameters and MACs go to profiles.json.
A table has a "name", a "function" of xsepconv_torch.py and its "options", a JSON text; the JSON forms of the specs go to tables.json.
"""

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Fixtures"))
from generate import builder, xt  # noqa: E402


def backward(module, x, weighting, prefix, results):
    """One forward and backward pass: output, and gradients of the input and all parameters."""
    module.zero_grad()
    x = x.clone().requires_grad_()
    y = module(x)
    (y * weighting).sum().backward()
    results[f"{prefix}input-gradient"] = x.grad
    results.update({f"{prefix}gradient/{name}": p.grad.clone() for name, p in module.named_parameters()})
    return y.detach()


def compare(case, folder):
    module = builder(case)().double()
    weights, _ = xt.load_safetensors(folder / f"{case['name']}.weights.safetensors")
    data, _ = xt.load_safetensors(folder / f"{case['name']}.data.safetensors")
    module.load_state_dict(weights, strict=True)
    results = {}
    module.eval()
    results["eval"] = backward(module, data["input"], data["weighting"], "eval-", results)
    module.train()
    results["train"] = backward(module, data["input"], data["weighting"], "", results)
    results.update({f"buffer/{name}": buffer.clone() for name, buffer in module.named_buffers()})
    with torch.no_grad():
        for p in module.parameters():
            p -= 0.01 * p.grad
        results["after"] = module.eval()(data["input"])
    if isinstance(module, xt.MobileNet):
        module.save_safetensors(folder / f"{case['name']}.after.safetensors")
    else:
        xt.save_safetensors(module.state_dict(), folder / f"{case['name']}.after.safetensors")
    xt.save_safetensors(results, folder / f"{case['name']}.results.safetensors")


def profile(request):
    """Parameters, and MACs counted by watching every convolution and linear layer at work."""
    network = xt.MobileNet.from_json(json.dumps(request["network"])).eval()
    macs = 0

    def count(m, _, y):
        nonlocal macs
        if isinstance(m, torch.nn.Conv2d):
            macs += y.numel() * m.kernel_size[0] * m.kernel_size[1] * m.in_channels // m.groups
        else:
            macs += y.numel() * m.in_features

    for m in network.modules():
        if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear)):
            m.register_forward_hook(count)
    with torch.no_grad():
        network(torch.zeros(request["input"]))
    return {"name": request["name"], "parameters": sum(p.numel() for p in network.parameters()), "macs": macs}


def main():
    folder = Path(sys.argv[1])
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for case in request["cases"]:
        compare(case, folder)
    profiles = [profile(p) for p in request["profiles"]]
    (folder / "profiles.json").write_text(json.dumps(profiles), encoding="utf-8")
    tables = {t["name"]: getattr(xt, t["function"])(**json.loads(t["options"])).to_json() for t in request["tables"]}
    (folder / "tables.json").write_text(json.dumps(tables), encoding="utf-8")
    print(f"torch {torch.__version__}: {len(request['cases'])} cases, {len(profiles)} profiles")


if __name__ == "__main__":
    main()
