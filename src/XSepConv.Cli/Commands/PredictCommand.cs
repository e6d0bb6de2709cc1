using System.CommandLine;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Options;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Startup;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv predict</c>: what a checkpoint sees in images. Runs without libtorch.</summary>
internal static class PredictCommand
{
    public static Command Create()
    {
        var checkpoint = new CheckpointOption("A best.safetensors or last.safetensors of train. It says itself which network it holds.");
        var images = new Argument<string[]>("IMAGE")
        {
            Description = "PNG or JPEG files of any size; their middle is cut out and scaled as in training.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        images.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
            {
                result.AddError("IMAGE is '': it is empty; give the name of a PNG or JPEG file.");
            }
            else if (result.Tokens.Any(token => token.Value == "-"))
            {
                result.AddError("IMAGE is '-': names come from standard input by --stream; a file of that name is './-'.");
            }
        });
        var top = CheckedOption.Whole("--top", 1, 100_000, 5, "How many classes to name for each image, the likeliest first.");
        var threads = new ThreadsOption("Threads that share the work, at most one a core. Default: one a core.");
        var background = DataOptions.Background(
            "What see-through pixels are laid on: white, black, or a colour such as #808080. Default: what it was in training.");
        var json = CheckedOption.Flag("--json", "Print one line of JSON.");
        var stream = CheckedOption.Flag(
            "--stream", "Read a name a line from standard input, and answer each at once with a line of JSON.");
        var command = new ToolCommand("predict", "Name what a trained network sees in images.")
        {
            Examples =
            [
                "xsepconv predict --checkpoint runs/folder/best.safetensors photo.jpg",
                "xsepconv predict --checkpoint runs/folder/best.safetensors --top 1 --json photos/*.jpg",
                "xsepconv predict --checkpoint runs/folder/best.safetensors --stream < names.txt",
            ],
        };
        command.Add(images);
        command.Add("Options", [checkpoint.Option, top, background, threads.Option, json, stream]);
        command.Validators.Add(result =>
        {
            // Where anything may be a file's name, a mistyped option would be one.
            var option = result.Tokens.FirstOrDefault(token => token.Value.StartsWith("--", StringComparison.Ordinal));
            if (option is not null) result.AddError($"There is no option '{option.Value}'.");
        });
        command.Validators.Add(result =>
        {
            var typed = result.GetResult(images)?.Tokens ?? [];
            if (typed.Count > 0 && result.IsTyped(stream))
            {
                result.AddError(
                    $"--stream reads names from standard input, so IMAGE is '{CheckedOption.Shorten(typed[0].Value)}' for nothing: "
                    + "give either.");
            }
            else if (typed.Count == 0 && !result.IsTyped(stream))
            {
                result.AddError("Required argument 'IMAGE' missing; names come from standard input by --stream.");
            }
        });
        command.SetAction(result =>
        {
            var invocation = result.InvocationConfiguration;
            var path = checkpoint.Path(result)!;
            var model = Load(path);
            var most = Math.Min(result.GetValue(top), model.Spec.NumClasses);
            var data = model.Data! with { Background = result.GetValue(background) ?? model.Data!.Background };
            var cores = threads.Value(result) ?? ThreadsOption.Cores;
            if (result.GetValue(stream))
            {
                using var classifier = new PictureClassifier(model, data, most, cores, PictureStream.MostAtOnce);
                return PictureStream.Run(classifier, StandardInput.Open(), invocation.Output, invocation.Error);
            }

            var answers = Predict(model, data, result.GetValue(images)!, most, cores);
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
        CheckpointOption.RequireClassifier(model.Spec, path);
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

    private static List<Answer> Predict(CompiledModel model, DataSpec data, string[] files, int top, int threads)
    {
        using var classifier = new PictureClassifier(model, data, top, threads, Math.Min(files.Length, PictureStream.MostAtOnce));
        return [.. files.Chunk(PictureStream.MostAtOnce).SelectMany(batch =>
            classifier.Classify([.. batch.Select(file => new PathLine(file))]))];
    }

    private static object Report(string path, CompiledModel model, List<Answer> answers) => new
    {
        checkpoint = path,
        model = model.Spec.Name,
        model.Kernel,
        images = answers.Select(answer => answer.Report()),
    };
}
