using System.CommandLine;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Options;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv predict</c>: what a checkpoint sees in images. Runs without libtorch.</summary>
internal static class PredictCommand
{
    // Images that are decoded side by side and then classified at once.
    private const int BatchSize = 32;

    public static Command Create()
    {
        var checkpoint = new CheckpointOption("A best.safetensors or last.safetensors of train. It says itself which network it holds.");
        var images = new Argument<string[]>("IMAGE")
        {
            Description = "PNG or JPEG files of any size; their middle square is scaled to the network's.",
            Arity = ArgumentArity.OneOrMore,
        };
        images.Validators.Add(result =>
        {
            if (!result.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value))) return;
            result.AddError("IMAGE is '': it is empty; give the name of a PNG or JPEG file.");
        });
        var top = CheckedOption.Whole("--top", 1, 100_000, 5, "How many classes to name for each image, the likeliest first.");
        var threads = new ThreadsOption("Threads that share the work, at most one a core. Default: one a core.");
        var background = DataOptions.Background(
            "What see-through pixels are laid on: white, black, or a colour such as #808080. Default: what it was in training.");
        var json = CheckedOption.Flag("--json", "Print one line of JSON.");
        var command = new ToolCommand("predict", "Name what a trained network sees in images.")
        {
            Examples =
            [
                "xsepconv predict --checkpoint runs/folder/best.safetensors photo.jpg",
                "xsepconv predict --checkpoint runs/folder/best.safetensors --top 1 --json photos/*.jpg",
            ],
        };
        command.Add(images);
        command.Add("Options", [checkpoint.Option, top, background, threads.Option, json]);
        command.Validators.Add(result =>
        {
            // Where anything may be a file's name, a mistyped option would be one.
            var option = result.Tokens.FirstOrDefault(token => token.Value.StartsWith("--", StringComparison.Ordinal));
            if (option is not null) result.AddError($"There is no option '{option.Value}'.");
        });
        command.SetAction(result =>
        {
            var invocation = result.InvocationConfiguration;
            var path = checkpoint.Path(result)!;
            var model = Load(path);
            var most = Math.Min(result.GetValue(top), model.Spec.NumClasses);
            var color = result.GetValue(background) ?? model.Data!.Background;
            var answers = Predict(model, color, result.GetValue(images)!, most, threads.Value(result) ?? ThreadsOption.Cores);
            if (result.GetValue(json)) JsonLine.Write(invocation.Output, Report(path, model, answers));
            else PredictionTable.Write(
                Consoles.For(invocation.Output), answers.Where(one => one.Error is null).Select(one => (one.File, one.Top)));
            foreach (var error in answers.Select(answer => answer.Error).OfType<string>())
            {
                ErrorText.Write(invocation.Error, $"{ErrorText.Tool} {command.Name}", error);
            }

            return answers.Exists(answer => answer.Error is not null) ? ExitCode.BadInput : ExitCode.Done;
        });
        return command;
    }

    /// <summary>A model that knows how its images are prepared.</summary>
    private static CompiledModel Load(string path)
    {
        var model = CompiledModel.Load(path);
        return model.Data switch
        {
            null => throw new UserError(
                $"{path} does not say how its images were prepared and what its classes are called (its metadata lacks "
                + $"'{DataSpec.MetadataKey}'); a checkpoint of 'train' does."),
            { Channels: not (1 or 3) } data =>
                throw new UserError($"{path} takes images of {data.Channels} channels; a PNG or JPEG file becomes 3, or 1."),
            { } data when data.Height != data.Width =>
                throw new UserError($"{path} takes images of {data.Height}×{data.Width}; squares are what is cut out of a file."),
            _ => model,
        };
    }

    private static List<Answer> Predict(CompiledModel model, Rgb? background, string[] files, int top, int threads)
    {
        var data = model.Data!;
        var answers = new List<Answer>();
        using var session = model.CreateSession(Math.Min(files.Length, BatchSize), threads);
        foreach (var batch in files.Chunk(BatchSize))
        {
            var pictures = new Picture[batch.Length];
            Parallel.For(0, batch.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
                pictures[i] = Picture.Open(batch[i], background, data.Height, data.Channels));
            byte[] pixels = [.. pictures.SelectMany(picture => picture.Pixels ?? [])];
            var predictions = new Prediction[pixels.Length / session.ImageLength * top];
            if (predictions.Length > 0) session.Classify(pixels, predictions);
            var next = 0;
            foreach (var picture in pictures)
            {
                if (picture.Error is not null) answers.Add(new(picture.File, [], picture.Error));
                else answers.Add(new(picture.File, [.. predictions.AsSpan(next++ * top, top)], null));
            }
        }

        return answers;
    }

    private static object Report(string path, CompiledModel model, List<Answer> answers) => new
    {
        checkpoint = path,
        model = model.Spec.Name,
        model.Kernel,
        images = answers.Select(Report),
    };

    private static object Report(Answer answer) => answer.Error is not null ? new { answer.File, answer.Error } : new
    {
        answer.File,
        top = answer.Top.Select(one => new
        {
            one.Class,
            one.Name,
            probability = float.IsFinite(one.Probability) ? one.Probability : (float?)null,
        }),
    };

    private sealed record Answer(string File, Prediction[] Top, string? Error);
}
