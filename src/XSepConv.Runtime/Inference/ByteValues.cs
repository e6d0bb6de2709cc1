using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>What each byte of each channel stands for: (b / 255 − mean) / std.</summary>
internal sealed unsafe class ByteValues(int channels)
{
    private AlignedFloats? _values;
    private DataSpec? _current;

    public float* Pointer => _values is null ? null : _values.Pointer;

    public void Use(DataSpec data)
    {
        if (_current == data) return;
        for (var channel = 0; channel < channels; channel++) Fill(channel, data.Mean[channel], data.Std[channel]);
        _current = data;
    }

    public void Use(ReadOnlySpan<float> mean, ReadOnlySpan<float> std)
    {
        _current = null;
        for (var channel = 0; channel < channels; channel++) Fill(channel, mean[channel], std[channel]);
    }

    private void Fill(int channel, double mean, double std)
    {
        // Sessions that see no bytes go without it.
        _values ??= new AlignedFloats(channels * 256L);
        for (var value = 0; value < 256; value++) _values.Pointer[(channel * 256) + value] = (float)(((value / 255.0) - mean) / std);
    }
}
