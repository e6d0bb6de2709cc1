namespace XSepConv;

/// <summary>What one step of a compiled network took.</summary>
/// <param name="Name">The state-dict keys of the layers in it, or what it does.</param>
/// <param name="Macs">Multiply-accumulates of the whole batch.</param>
/// <param name="Time">For the whole batch.</param>
public sealed record StepTime(string Name, long Macs, TimeSpan Time)
{
    /// <summary>Billions of multiply-accumulates a second; 0 for a step that has none.</summary>
    public double GigaMacsPerSecond => Time > TimeSpan.Zero ? Macs / Time.TotalSeconds / 1e9 : 0;
}
