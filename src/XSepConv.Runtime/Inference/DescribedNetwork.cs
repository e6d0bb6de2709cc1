namespace XSepConv.Inference;

/// <summary>The network that a file's metadata describe.</summary>
internal static class DescribedNetwork
{
    /// <param name="path">As the file was asked for.</param>
    /// <exception cref="InvalidDataException">There is no description, or it is damaged.</exception>
    public static NetworkSpec Of(SafeTensors file, string path) =>
        file.Described(NetworkSpec.MetadataKey, NetworkSpec.FromJson) ?? throw new InvalidDataException(
            $"{path} does not say which network it holds: its metadata lacks '{NetworkSpec.MetadataKey}'. Weights of torchvision or timm "
            + "become a checkpoint by 'xsepconv import' (Pretrained.Import); for others, build the network and call LoadSafeTensors.");
}
