using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Weights;

/// <summary>What Python writes of a network that was changed after it was built: its description is right, or it is refused.</summary>
public sealed class ChangedNetworkInPyTorchTests : IDisposable
{
    private const string Script = """
        import copy, os, sys
        sys.path.insert(0, sys.argv[1])
        import torch
        from torch import nn
        from xsepconv_torch import *
        from xsepconv_torch import SETTINGS_KEY
        folder = sys.argv[2]
        path = os.path.join(folder, "file")
        spec = mobilenet_v3_small_spec(10, preset="Cifar", width=0.25, dropout=0.2)
        class OwnForward(MobileNet):
            def forward(self, x):
                return super().forward(x) * 2
        class OwnLayer(MobileNet):
            def __init__(self, spec):
                super().__init__(spec)
                self.act = nn.GELU()
        class Mine(HSwish):
            def forward(self, x):
                return x
        def replace(name, make):
            def change(net):
                parent, _, last = name.rpartition(".")
                parent = net.get_submodule(parent)
                setattr(parent, last, make(getattr(parent, last)))
            return change
        def put(name, value):
            return replace(name, lambda _: value)
        def other_conv(**settings):
            def make(conv):
                now = dict(stride=conv.stride, padding=conv.padding, dilation=conv.dilation, groups=conv.groups, bias=False)
                return nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, **{**now, **settings})
            return make
        x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(3))

        REFUSED = {  # what is done, and what the refusal names
            "act": (put("act", nn.ReLU()), "'act'"),
            "block's act": (put("bneck.4.act", nn.SiLU()), "'bneck.4.act'"),
            "act of no name": (put("bneck.4.act", nn.LeakyReLU(0.3)), "LeakyReLU"),
            "act derived": (put("bneck.4.act", Mine()), "Mine"),
            "act replaced by hand": (put("act.forward", torch.relu), "forward"),
            "stem's stride": (replace("conv1", other_conv(stride=2)), "stride of 'conv1'"),
            "stride set": (put("bneck.3.conv2.stride", (1, 1)), "'bneck.3.conv2'"),
            "padding set": (put("bneck.3.conv2.padding", (0, 0)), "'bneck.3.conv2'"),
            "padding mode": (replace("bneck.3.conv2", other_conv(padding_mode="circular")), "padding_mode"),
            "dilation": (replace("bneck.3.conv2", other_conv(dilation=2, padding=4)), "'bneck.3.conv2'"),
            "bias": (replace("conv2", other_conv(bias=True)), "bias of 'conv2'"),
            "kernel": (replace("bneck.0.conv2", lambda conv: nn.Conv2d(conv.in_channels, conv.out_channels, 5)), "'bneck.0.conv2'"),
            "pruned": (lambda net: setattr(net.conv2, "weight", nn.Parameter(net.conv2.weight[:8])), "shape of weight of 'conv2'"),
            "weight norm": (lambda net: nn.utils.weight_norm(net.conv2), "'conv2'"),
            "direction": (put("bneck.4.padding", PaddingDirection.SYMMETRIC), "padding of 'bneck.4'"),
            "placement": (put("bneck.4.placement", PaddingPlacement.BEFORE_EXPAND), "placement of 'bneck.4'"),
            "shortcut": (put("bneck.4.stride", 2), "stride of 'bneck.4'"),
            "place of SE": (put("bneck.0.squeeze_excite", SqueezeExcite.NONE), "squeeze_excite of 'bneck.0'"),
            "no SE": (put("bneck.4.se", None), "'bneck.4.se' is gone"),
            "SE more": (put("bneck.2.se", SeModule(24)), "'bneck.2'"),
            "SE without tensors": (put("bneck.2.se", nn.ReLU()), "'bneck.2'"),
            "SE's gate": (put("bneck.4.se.se.6", nn.Sigmoid()), "'bneck.4.se.se.6'"),
            "SE's pool": (put("bneck.4.se.se.0", nn.AdaptiveMaxPool2d(1)), "'bneck.4.se.se.0'"),
            "block more": (lambda net: net.bneck.append(nn.ReLU()), "layers of 'bneck'"),
            "block less": (lambda net: net.bneck.__delitem__(10), "layers of 'bneck'"),
            "no block": (put("bneck.4", nn.Identity()), "'bneck.4'"),
            "norm": (put("bn2", nn.Identity()), "'bn2'"),
            "norm of groups": (replace("bn2", lambda bn: nn.GroupNorm(1, bn.num_features)), "'bn2'"),
            "norm without statistics": (replace("bn2", lambda bn: nn.BatchNorm2d(bn.num_features, track_running_stats=False)), "'bn2'"),
            "norm without scale": (replace("bn2", lambda bn: nn.BatchNorm2d(bn.num_features, affine=False)), "'bn2'"),
            "norm gone": (put("bn3", None), "'bn3' is gone"),
            "hidden layer gone": (put("linear3", None), "'linear3' is gone"),
            "dropout": (put("dropout", nn.AlphaDropout(0.2)), "'dropout'"),
            "dropout of all": (put("dropout.p", 1.0), "dropout is 1.0"),
            "classifier of others": (put("linear4", nn.Linear(7, 5)), "'linear4'"),
            "classifier without bias": (put("linear4", nn.Linear(spec.num_features, 5, bias=False)), "'linear4'"),
            "classifier of two": (put("linear4", nn.Sequential(nn.Linear(spec.num_features, 5))), "'linear4'"),
            "buffer more": (lambda net: net.register_buffer("mean", torch.zeros(3)), "shape of mean"),
            "head more": (lambda net: net.add_module("auxiliary", nn.Linear(3, 4)), "'auxiliary'"),
            "spec": (put("spec", mobilenet_v3_small_spec(10, width=0.25)), "the spec's blocks"),
            "eps": (put("bn2.eps", float("nan")), "eps of 'bn2'"),
            "momentum": (put("bneck.4.bn1.momentum", float("inf")), "momentum of 'bneck.4.bn1'"),
        }
        def refused(what, net, word):
            open(path, "wb").write(b"as it was")
            try:
                net.save_safetensors(path)
            except ValueError as error:
                assert word in str(error), (what, str(error))
            else:
                print("written:", what)
            assert open(path, "rb").read() == b"as it was" and os.listdir(folder) == ["file"], what
        for what, (change, word) in REFUSED.items():
            net = MobileNet(spec)
            change(net)
            refused(what, net, word)
        refused("own forward", OwnForward(spec), "OwnForward has a forward of its own")
        refused("own layer", OwnLayer(spec), "'act'")

        def same(net, written=None):
            (written or net).save_safetensors(path)
            again = MobileNet.from_safetensors(path)
            with torch.no_grad():
                assert torch.equal(again.eval()(x), net.eval()(x)), again.spec
            return again
        HONOURED = {
            "nothing": lambda net: None,
            "twin in place": lambda net: [setattr(m, "inplace", True) for m in net.modules() if hasattr(m, "inplace")],
            "frozen": lambda net: [p.requires_grad_(False) for p in net.bneck.parameters()],
            "eps": lambda net: (setattr(net.bn2, "eps", 0.01), setattr(net.bneck[4].bn1, "momentum", None)),
            "loss": lambda net: net.add_module("loss", nn.CrossEntropyLoss()),
            "unsaved": lambda net: net.register_buffer("seen", torch.zeros(3), persistent=False),
            "remark": lambda net: setattr(net, "remark", "best"),
            "name": lambda net: setattr(net, "spec", __import__("dataclasses").replace(net.spec, name="mine")),
        }
        for what, change in HONOURED.items():
            net = MobileNet(spec)
            change(net)
            assert same(net).spec.num_classes == 10, what
        net = MobileNet(spec)
        same(net, copy.deepcopy(net))
        same(net, nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(net)))
        net = MobileNet(spec)
        net.act = nn.Hardswish()
        assert net.described() == spec
        net = MobileNet(spec)
        net.linear4 = None
        assert same(net).spec.num_classes == 0
        net = MobileNet(mobilenet_v3_small_spec(0, preset="Cifar", width=0.25))
        net.linear4 = nn.Linear(net.spec.num_features, 3)
        assert same(net).spec.num_classes == 3

        # What is written alone goes into a network that was changed in the same way, and into no other.
        for act in nn.SiLU(), nn.LeakyReLU(0.3), nn.GELU(), Mine():
            net, alike = MobileNet(spec), MobileNet(spec)
            net.bneck[4].act = act
            alike.bneck[4].act = copy.deepcopy(act)
            settings = norm_settings(net)
            apply_norm_settings(alike, settings)
            for other in MobileNet(spec), OwnLayer(spec):
                try:
                    apply_norm_settings(other, settings)
                    print("taken:", act)
                except ValueError as error:
                    assert "was built with activation" in str(error), error
        save_safetensors(net.state_dict(), os.path.join(folder, "alone"), {SETTINGS_KEY: settings})
        try:
            apply_norm_settings(net, "[" * 100_000)
        except ValueError:
            pass

        net = MobileNet(spec)
        net.linear4 = nn.Linear(spec.num_features, 5)
        net.dropout.p = 0.5
        again = same(net)
        assert (again.spec.num_classes, again.spec.dropout) == (5, 0.5)
        with torch.no_grad():
            save_safetensors({"x": x, "logits": net(x)}, os.path.join(folder, "values"))
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task It_is_described_as_it_is_or_refused_before_anything_is_written()
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        var interop = Path.Combine(Documentation.Repository.Root, "interop", "pytorch");
        Directory.CreateDirectory(_folder.File("files"));
        var said = await PythonWithTorch.RunAsync(
            python!, ["-c", Script, interop, _folder.File("files")], TestContext.Current.CancellationToken);
        Assert.Equal("", said);

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var loaded = MobileNet.FromSafeTensors(Path.Combine(_folder.File("files"), "file"));
        Assert.Equal((5, 0.5), (loaded.Spec.NumClasses, loaded.Spec.Dropout));
        using var values = SafeTensors.Open(Path.Combine(_folder.File("files"), "values"));
        var (x, logits) = (Value("x"), Value("logits"));
        loaded.eval();
        Assert.InRange((loaded.call(x) - logits).abs().max().item<float>() / logits.abs().max().item<float>(), 0, 1e-4);

        using var unchanged = new MobileNet(loaded.Spec with { NumClasses = 10 });
        var refused = Assert.ThrowsAny<Exception>(() => unchanged.LoadSafeTensors(Path.Combine(_folder.File("files"), "alone")));
        Assert.Contains("'Mine()'", refused.Message, StringComparison.Ordinal);

        Tensor Value(string name) => TensorBytes.Create(values.Tensors[name], values.ReadBytes(name));
    }
}
