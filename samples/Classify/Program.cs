using System.Diagnostics;
using XSepConv;
using XSepConv.Imaging;

const string Usage = """
    classify [--time] MODEL IMAGE…

    MODEL is a checkpoint of 'xsepconv train', IMAGE a PNG or JPEG file. --time says how long it took.
    """;

var timed = args.Contains("--time");
string[] files = [.. args.Where(arg => arg != "--time")];
if (files.Length < 2) return Refuse(Usage);

CompiledModel model;
NetworkSession made;
try
{
    model = CompiledModel.Load(files[0]);
    made = model.CreateSession();
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or NotSupportedException
    or ArgumentException or InvalidOperationException or OutOfMemoryException)
{
    return Refuse($"classify: {e.Message}");
}

using var session = made;
if (model.Data is not { Channels: 1 or 3 } data || data.Height != data.Width)
{
    return Refuse($"classify: {files[0]} does not say that it was trained on square images, coloured or grey.");
}

if (model.Spec.NumClasses == 0) return Refuse($"classify: {files[0]} has no classifier: it gives features, not classes.");
var pixels = Array.Empty<byte>();
var top = new Prediction[Math.Min(5, model.Spec.NumClasses)];
var exitCode = 0;
TimeSpan? first = null;
foreach (var file in files.AsSpan(1))
{
    try
    {
        pixels = ImageDecoder.ReadFile(file, data);
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
    {
        Console.Error.WriteLine($"classify: {e.Message}");
        exitCode = 1;
        continue;
    }

    session.Classify(pixels, top);
    first ??= DateTime.UtcNow - Process.GetCurrentProcess().StartTime.ToUniversalTime();
    Console.WriteLine(file);
    foreach (var prediction in top) Console.WriteLine($"  {100 * prediction.Probability,6:0.00} %  {prediction.Name}");
}

if (timed && first is { } start)
{
    Console.WriteLine(
        $"kernels {model.Kernel}: first result {start.TotalMilliseconds:0} ms after the process started; "
        + $"{Median():0.000} ms an image, without decoding");
}

return exitCode;

static int Refuse(string why)
{
    Console.Error.WriteLine(why);
    return 2;
}

double Median()
{
    var times = new double[201];
    for (var i = 0; i < times.Length; i++)
    {
        var from = Stopwatch.GetTimestamp();
        session.Classify(pixels, top);
        times[i] = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
    }

    Array.Sort(times);
    return times[times.Length / 2];
}
