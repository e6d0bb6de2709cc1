using System.Globalization;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>Devices by name.</summary>
internal static class TorchDevice
{
    /// <summary>
    /// How many threads there are where nobody says: libtorch's number, which may be that of <c>OMP_NUM_THREADS</c>, or of a machine of
    /// which this process has but some cores, and at most one a core.
    /// </summary>
    public static int UsualThreads => Math.Min(get_num_threads(), Environment.ProcessorCount);

    /// <summary>The device of a name.</summary>
    /// <param name="name"><c>auto</c> (CUDA where there is one, else CPU), <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</param>
    /// <exception cref="ArgumentException">The name is unknown, or there is no such device.</exception>
    /// <exception cref="DllNotFoundException">libtorch can't be loaded; the message names the remedy.</exception>
    public static Device Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        LibtorchLoading.Require();
        if (name == "auto") return device(cuda.is_available() ? "cuda:0" : "cpu");
        if (name == "cpu") return CPU;
        var number = 0;
        if (name != "cuda" && !(name.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out number)))
        {
            throw new ArgumentException($"There is no device '{name}'; known are auto, cpu, cuda and cuda:N.", nameof(name));
        }

        var devices = cuda.is_available() ? cuda.device_count() : 0;
        return number < devices
            ? device(TorchSharp.DeviceType.CUDA, number)
            : throw new ArgumentException(
                $"The device is '{name}', but Torch sees {devices} CUDA devices; cpu works everywhere.", nameof(name));
    }
}
