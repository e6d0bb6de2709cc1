using System.Net.Sockets;
using System.Threading.RateLimiting;
using Serve;
using XSepConv;

WebApplicationBuilder builder;
ServeOptions options;
CompiledModel model;
BatchWorkers started;
var metrics = new Metrics();
try
{
    ServeOptions.CheckNames(args);
    builder = WebApplication.CreateSlimBuilder(args);
    options = ServeOptions.Read(builder.Configuration, args);
    model = CompiledModel.Load(options.Checkpoint);
    if (model.Data is not { Channels: 1 or 3 } data || data.Height != data.Width)
    {
        throw new InvalidDataException($"{options.Checkpoint} does not say that it was trained on square images, coloured or grey.");
    }

    if (model.Spec.NumClasses == 0)
    {
        throw new InvalidDataException($"{options.Checkpoint} has no classifier: it gives features, not classes.");
    }

    started = new BatchWorkers(model, options.Workers, options.MaxBatch, metrics.Batches);
}
catch (Exception e) when (e is ArgumentException or InvalidOperationException or IOException or UnauthorizedAccessException
    or InvalidDataException or NotSupportedException or OutOfMemoryException)
{
    return Refuse(e.Message, 2);
}

builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);

// Says with a trace what is caught below and said in a line.
builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.AddServerHeader = false;
    kestrel.Limits.MaxRequestBodySize = options.MaxBytes;
});

using var workers = started;
using var inside = new ConcurrencyLimiter(new() { PermitLimit = options.Queue, QueueLimit = 0 });
var classify = new ClassifyEndpoint(options, model, workers, inside);
using var app = builder.Build();

// As routing compares: whatever the case, and with a slash at the end or without.
app.UseWhen(
    http => http.Request.Path.StartsWithSegments("/classify", out var rest) && rest.Value is null or "" or "/",
    branch => branch.Use(metrics.Measure));
app.MapPost("/classify", classify.Answer);
app.MapGet("/", Page);
app.MapGet("/health", () => Results.Json(new { status = "ok", model = model.Spec.Name, classes = model.Spec.NumClasses, model.Kernel }));
app.MapGet("/metrics", () => Results.Text(
    metrics.Text(workers.Waiting, options.Queue - (int)inside.GetStatistics()!.CurrentAvailablePermits), "text/plain; version=0.0.4"));
try
{
    // After Ctrl-C or SIGTERM no more connections are taken, and it returns when those that are open have their answers.
    app.Run();
}
catch (IOException e)
{
    // It can't listen there, and says where.
    return Refuse(e.Message, 1);
}
catch (Exception e) when (e is SocketException or FormatException or InvalidOperationException or ArgumentException)
{
    return Refuse($"it can't listen at {builder.Configuration["urls"]}: {e.Message}", 1);
}

Console.WriteLine($"{metrics.Answered} pictures were classified.");
return 0;

static IResult Page(HttpContext http)
{
    http.Response.Headers.ContentSecurityPolicy =
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src blob:; connect-src 'self'";
    return Results.Stream(typeof(ServeOptions).Assembly.GetManifestResourceStream("page.html")!, "text/html; charset=utf-8");
}

static int Refuse(string why, int exitCode)
{
    Console.Error.WriteLine($"serve: {why}");
    return exitCode;
}
