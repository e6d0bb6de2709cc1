using static TorchSharp.torch;

namespace XSepConv;

public partial class MobileNet
{
    /// <summary>Builds a network from pretrained weights of torchvision or timm.</summary>
    /// <param name="path">A safetensors file with the state dict of the model, under the names it has there.</param>
    /// <param name="source">Whose names they are.</param>
    /// <param name="model">The model's name there, one of <see cref="Pretrained.Models"/>, or the network's here.</param>
    /// <param name="inputChannels">
    /// Channels of the images; null for the file's. For one channel the first convolution is summed over the file's; for more its channels
    /// are repeated in turn and scaled by old/new channels, as timm does it.
    /// </param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <remarks>
    /// How many classes there are is read off the tensors; <see cref="ResetClassifier"/> gives it others. <see cref="Pretrained.Import"/>
    /// writes a checkpoint instead.
    /// </remarks>
    /// <exception cref="ArgumentException">There is no such model, or the channels are out of range.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is no safetensors or damaged, or tensors are missing, unexpected or of a wrong shape or type (all are listed), or hold
    /// values that are not finite numbers or variances that are negative.
    /// </exception>
    public static MobileNet FromPretrained(
        string path, PretrainedSource source, string model, int? inputChannels = null, Device? device = null, ScalarType? dtype = null)
    {
        using var file = PretrainedFile.Open(path, source, model, inputChannels);
        var network = new MobileNet(file.Spec, device, dtype);
        try
        {
            using var noGrad = no_grad();
            var state = network.state_dict();
            foreach (var tensor in file.Tensors())
            {
                using var scope = NewDisposeScope();
                state[tensor.Name].copy_(
                    TensorBytes.Create(new(tensor.Name, tensor.Type, tensor.Shape), tensor.Data.ToArray()).view(state[tensor.Name].shape));
            }

            return FiniteWeights.Problem(network) is { } problem ? throw new InvalidDataException($"{path}: {problem}.") : network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }
}
