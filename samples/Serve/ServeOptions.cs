namespace Serve;

/// <summary>
/// The section <c>Serve</c> of the configuration: of the command line (<c>--max-batch 8</c>), appsettings.json, the environment
/// (<c>Serve__MaxBatch=8</c>).
/// </summary>
internal sealed class ServeOptions
{
    private const string Usage =
        "serve --checkpoint FILE [--workers N] [--max-batch N] [--queue N] [--max-bytes N] [--max-seconds N] [--max-pixels N] "
        + "[--urls http://127.0.0.1:5000]";

    private static readonly Dictionary<string, string> Switches = new(StringComparer.OrdinalIgnoreCase)
    {
        ["--checkpoint"] = "Serve:Checkpoint",
        ["--workers"] = "Serve:Workers",
        ["--max-batch"] = "Serve:MaxBatch",
        ["--queue"] = "Serve:Queue",
        ["--max-bytes"] = "Serve:MaxBytes",
        ["--max-seconds"] = "Serve:MaxSeconds",
        ["--max-pixels"] = "Serve:MaxPixels",
    };

    /// <summary>A file of <c>xsepconv train</c>.</summary>
    public string Checkpoint { get; init; } = "";

    /// <summary>Threads that decode and classify, a session each.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>The most pictures of one run.</summary>
    public int MaxBatch { get; init; } = 16;

    /// <summary>The most requests that are received, wait or are answered; one more gets 429.</summary>
    public int Queue { get; init; } = 128;

    /// <summary>
    /// The most bytes of a picture's file, raw or in a form, a few times of which memory holds for each of the <see cref="Queue"/>.
    /// </summary>
    public int MaxBytes { get; init; } = 8 << 20;

    /// <summary>
    /// The most seconds in which a picture arrives: whoever sends slowly has one of the <see cref="Queue"/> no longer, and gets 408.
    /// </summary>
    public int MaxSeconds { get; init; } = 30;

    /// <summary>
    /// The most pixels of a picture, whatever its bytes: memory holds up to 24 bytes of each while it is decoded. Large pictures are
    /// decoded one at a time.
    /// </summary>
    public int MaxPixels { get; init; } = 25_000_000;

    /// <summary>Refuses what ASP.NET Core would pass over.</summary>
    /// <exception cref="ArgumentException">An option is not known, or lacks its value.</exception>
    public static void CheckNames(string[] args)
    {
        for (var i = 0; i < args.Length; i++)
        {
            var name = args[i].Split('=')[0];
            var isAspNets = name is "--urls" or "--environment" || (name.StartsWith("--", StringComparison.Ordinal) && name.Contains(':'));
            if (!Switches.ContainsKey(name) && !isAspNets) throw new ArgumentException($"there is no option '{args[i]}'.\n{Usage}");
            if (name == args[i] && ++i == args.Length) throw new ArgumentException($"{name} lacks its value.\n{Usage}");
        }
    }

    /// <exception cref="ArgumentException">A value can't be.</exception>
    /// <exception cref="InvalidOperationException">A value is no number, or the section has another name in it.</exception>
    public static ServeOptions Read(ConfigurationManager configuration, string[] args)
    {
        configuration.AddCommandLine(args, Switches);
        var options = configuration.GetSection("Serve").Get<ServeOptions>(binder => binder.ErrorOnUnknownConfiguration = true) ?? new();
        if (options.Checkpoint.Length == 0) throw new ArgumentException($"--checkpoint is missing.\n{Usage}");
        Check("--workers", options.Workers, 1024);
        Check("--max-batch", options.MaxBatch, 1024);
        Check("--queue", options.Queue, 1 << 16);
        Check("--max-bytes", options.MaxBytes, XSepConv.Imaging.ImageDecoder.MaxFileBytes);
        Check("--max-seconds", options.MaxSeconds, 24 * 60 * 60);
        Check("--max-pixels", options.MaxPixels, XSepConv.Imaging.ImageDecoder.MaxPixels);
        return options;
    }

    private static void Check(string name, int value, int most)
    {
        if (value < 1 || value > most) throw new ArgumentException($"{name} is {value}; it must be from 1 to {most}.");
    }
}
