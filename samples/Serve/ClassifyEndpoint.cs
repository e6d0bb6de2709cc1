using System.Globalization;
using System.Threading.RateLimiting;
using XSepConv;
using XSepConv.Imaging;

namespace Serve;

/// <summary>POST /classify: one picture in, its likeliest classes out.</summary>
internal sealed class ClassifyEndpoint(ServeOptions options, CompiledModel model, BatchWorkers workers, ConcurrencyLimiter inside)
{
    private const int UsualTop = 5;

    // nginx's number for a client that has gone.
    private const int ClientClosedRequest = 499;

    public async Task<IResult> Answer(HttpContext http, CancellationToken aborted)
    {
        // Kept until no worker has the picture any more, also where the client has gone: so memory is bounded.
        using var place = inside.AttemptAcquire();
        if (!place.IsAcquired)
        {
            http.Response.Headers.RetryAfter = "1";
            return Results.Problem($"There are {options.Queue} requests already; come again.", statusCode: 429);
        }

        try
        {
            var top = Top(http.Request.Query["top"]);
            var picture = await Upload.Read(http.Request, options);
            var (width, height) = ImageDecoder.ReadSize(picture, BatchWorkers.PictureName);
            if (width * height > options.MaxPixels)
            {
                throw new InvalidDataException(
                    $"{BatchWorkers.PictureName}: has {width}×{height} pixels; at most {options.MaxPixels} in all are taken "
                    + "(--max-pixels).");
            }

            var predictions = await workers.Classify(picture, width * height, top, aborted);
            return Results.Json(new
            {
                top = predictions.Select(one => new
                {
                    one.Class,
                    one.Name,
                    probability = float.IsFinite(one.Probability) ? one.Probability : (float?)null,
                }),
            });
        }
        catch (BadHttpRequestException e)
        {
            return Results.Problem(e.Message, statusCode: e.StatusCode);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // Or Kestrel would look for the rest of the body.
            http.Abort();
            return Results.StatusCode(ClientClosedRequest);
        }
        catch (InvalidDataException e)
        {
            return Results.Problem(e.Message, statusCode: 400);
        }
    }

    private int Top(string? typed)
    {
        var most = model.Spec.NumClasses;
        if (typed is null) return Math.Min(UsualTop, most);
        return int.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var top) && top >= 1
            ? Math.Min(top, most)
            : throw new BadHttpRequestException($"top is '{typed}'; it must be a whole number from 1.", 400);
    }
}
