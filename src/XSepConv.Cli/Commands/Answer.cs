namespace XSepConv.Cli.Commands;

/// <summary>What a network sees in one picture, or why it saw none.</summary>
/// <param name="File">As it was given.</param>
/// <param name="Top">The likeliest classes, likeliest first; empty where there is an error.</param>
internal sealed record Answer(string File, Prediction[] Top, string? Error)
{
    /// <summary>As JSON has it.</summary>
    public object Report() => Error is not null ? new { File, Error } : new
    {
        File,
        top = Top.Select(one => new
        {
            one.Class,
            one.Name,
            probability = float.IsFinite(one.Probability) ? one.Probability : (float?)null,
        }),
    };
}
