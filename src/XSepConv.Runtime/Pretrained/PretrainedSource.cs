namespace XSepConv;

/// <summary>Whose names the tensors of a file of pretrained weights have.</summary>
public enum PretrainedSource
{
    /// <summary>Those of torchvision's models, such as <c>features.0.0.weight</c>.</summary>
    TorchVision,

    /// <summary>Those of timm's models, such as <c>blocks.0.0.conv_dw.weight</c>.</summary>
    Timm,
}
