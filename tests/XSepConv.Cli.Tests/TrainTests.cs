using System.Text.Json;

namespace XSepConv.Cli.Tests;

[Collection(typeof(FinishedRunTests))]
public sealed class TrainTests(FinishedRun finished) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    [Fact]
    public void A_run_prints_its_result_as_one_line_of_JSON_and_the_rest_on_stderr()
    {
        Assert.Equal(0, finished.ExitCode);
        var report = JsonDocument.Parse(Here.SingleLine(finished.Out)).RootElement;
        Assert.True(report.GetProperty("completed").GetBoolean());
        Assert.Equal(3, report.GetProperty("epochs").GetInt32());
        Assert.InRange(report.GetProperty("bestEpoch").GetInt32(), 1, 3);
        Assert.InRange(report.GetProperty("bestValidationTop1").GetDouble(), 0, 1);
        var test = report.GetProperty("test");
        Assert.InRange(test.GetProperty("top1").GetDouble(), 0, 1);
        Assert.True(test.GetProperty("loss").GetDouble() > 0);
        Assert.Equal(150, test.GetProperty("images").GetInt64());

        Assert.Contains("SYNTHETIC", finished.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("NNPACK", finished.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_run_logs_one_object_an_epoch()
    {
        var epochs = File.ReadAllLines(Path.Combine(finished.Output, "log.jsonl"))
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("epoch").GetInt32());

        Assert.Equal([1, 2, 3], epochs);
    }

    [Theory]
    [InlineData("xsep-mobilenet-v3-large", "7")]
    [InlineData("mobilenet-v3-large-twin", "31,29,27,13")]
    [InlineData("xsep-large-kernel-small", "")]
    public async Task A_large_network_and_a_recipe_can_be_trained_and_evaluated(string model, string kernels)
    {
        var output = Path.Combine(folder, "run");
        string[] sizes = kernels == "" ? [] : ["--kernels", kernels];
        var (exitCode, _, error) = await ToolProcess.Run(
        [
            "train", "--limit", "60", "--model", model, "--width", "0.1", .. sizes, "--recipe", "strong", "--epochs", "1",
            "--batch", "20", "--threads", "1", "--json", "--out", output,
        ]);

        Assert.True(exitCode == 0, error);
        Assert.Contains("strong, but for --epochs, --batch", error, StringComparison.Ordinal);
        Assert.Contains("AdamW, β 0.9 and 0.999, weight decay 0.05, label smoothing 0.1, dropout 0.2", error, StringComparison.Ordinal);
        Assert.Contains(
            "gradients clipped to a norm of 5; an average of the weights (decay 0.999) validated", error, StringComparison.Ordinal);
        Assert.Contains("mixed in pairs", error, StringComparison.Ordinal);
        using var best = SafeTensors.Open(Path.Combine(output, "best.safetensors"));
        Assert.Equal(model, NetworkSpec.FromJson(best.Metadata["xsepconv.network"]).Name);
        Assert.Equal(
            0, (await ToolProcess.Run("evaluate", "--checkpoint", Path.Combine(output, "best.safetensors"), "--limit", "20")).ExitCode);
    }

    // Two epochs of two steps.
    [Theory]
    [InlineData("0.5", 1)]
    [InlineData("1", 2)]
    [InlineData("1.5", null)]
    [InlineData("9", null)]
    public void Warm_up_is_as_typed_or_a_note_says_what_it_is(string typed, int? steps)
    {
        var (exitCode, output, error) = Here.Run(
            "train", "--limit", "20", "--batch", "10", "--epochs", "2", "--warmup", typed, "--width", "0.1", "--threads", "1", "--out",
            Path.Combine(folder, "run"), "--lr", "1e-7", "--head-lr", "2e-8");

        Assert.True(exitCode == 0, error);
        output = string.Join(' ', output.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains($"after {steps ?? 2} steps of warm-up", output, StringComparison.Ordinal);
        Assert.Contains("learning rate 1E-07, of linear4 2E-08, after", output, StringComparison.Ordinal);
        var note = $"note: Warm-up is {typed} of 2 epochs; it takes half of the run, 2 of 4 steps.";
        Assert.Equal(steps is null, output.Contains(note, StringComparison.Ordinal));
        Assert.Equal(steps is null, output.Contains("note: Warm-up", StringComparison.Ordinal));
    }

    [Fact]
    public void Help_names_every_option()
    {
        var (exitCode, output, error) = Here.Run("train", "--help");

        Assert.Equal(0, exitCode);
        Assert.Equal("", error);
        string[] options =
        [
            "--data", "--data-root", "--layout", "--skip-damaged", "--limit", "--network", "--preset", "--width", "--kernels", "--recipe",
            "--epochs", "--batch", "--accumulate", "--optimizer", "--lr",
            "--schedule", "--warmup", "--weight-decay", "--label-smoothing", "--dropout", "--clip", "--ema", "--patience", "--augment",
            "--seed", "--device", "--threads", "--distributed", "--workers", "--image-size", "--out", "--save-every", "--resume",
            "--overwrite", "--json",
        ];
        Assert.All(options, option => Assert.Matches($@"\n  (-\w, )?{option}[, \n]", output));
    }

    [Theory]
    [InlineData(
        "--data is 'shaeps': known are shapes, fashion-mnist, mnist, cifar-10, cifar-100, svhn, svhn-extra, tiny-imagenet, "
        + "folder. Did you mean 'shapes'?", "--data", "shaeps")]
    [InlineData("Did you mean 'fashion-mnist'?", "--data", "fashion-mnits")]
    [InlineData("Did you mean 'mobilenet-v3-small-twin'?", "--model", "mobilnet-v3-small-twin")]
    [InlineData("--kernels is '4': a kernel is odd", "--kernels", "4")]
    [InlineData("--width is '0': it must be above 0", "--width", "0")]
    [InlineData("--batch is '1': it must be a whole number from 2", "--batch", "1")]
    [InlineData("--epochs is '0'", "--epochs", "0")]
    [InlineData("--lr is 'NaN'", "--lr", "NaN")]
    [InlineData("--recipe is 'stron': known are quick, standard, strong. Did you mean 'strong'?", "--recipe", "stron")]
    [InlineData("--optimizer is 'adam': known are sgd, adamw. Did you mean 'adamw'?", "--optimizer", "adam")]
    [InlineData("--ema is '1': it must be at least 0 (none) and below 1", "--ema", "1")]
    [InlineData("--clip is '-1': it must be 0 (no limit) or more", "--clip", "-1")]
    [InlineData("--distributed is 'nccl': known are mpi", "--distributed", "nccl")]
    [InlineData("accumulated batches is 9, but the training split has 1 of 10 images", "--batch", "10", "--accumulate", "9")]
    [InlineData(
        "--kernels is '5,5': give one number for all rows, 4 for the stages, or 11 for the rows of xsep-mobilenet-v3-small",
        "--kernels", "5,5")]
    [InlineData("or 15 for the rows of mobilenet-v3-large-twin", "--model", "mobilenet-v3-large-twin", "--kernels", "5,5,5,5,3,3")]
    [InlineData("no option '--epoch' here. Did you mean '--epochs'?", "--epoch", "3")]
    [InlineData("--resume and --overwrite contradict each other", "--resume", "--overwrite")]
    [InlineData("There is nothing to resume", "--resume")]
    [InlineData("can't be written", "--out", "FILE/run")]
    [InlineData("/file', a file; the run goes into a folder", "--out", "FILE")]
    [InlineData("/file', a file; the run goes into a folder", "--out", "FILE", "--resume")]
    [InlineData("/file', a file; the run goes into a folder", "--out", "FILE", "--overwrite")]
    [InlineData("is not a folder", "--data", "mnist", "--data-root", "FILE")]
    [InlineData("--data folder needs --data-root: the folder with a folder for each class", "--data", "folder")]
    [InlineData("--image-size is for --data folder; the images of shapes have a size of their own", "--image-size", "64")]
    [InlineData("--skip-damaged is for --data folder", "--skip-damaged")]
    [InlineData("--data-root is where files are, and shapes are generated. Did you mean --data folder?", "--data-root", "FILE")]
    [InlineData("Did you mean --data folder?", "--data", "shapes", "--data-root", "FILE")]
    [InlineData("--layout is for --data folder", "--layout", "flat")]
    [InlineData("--layout is 'flt': known are auto, flat, splits. Did you mean 'flat'?", "--layout", "flt")]
    [InlineData("--image-size is '4': it must be a whole number from 8 to 1024", "--image-size", "4")]
    [InlineData("--augment is 'stron': known are none, light, standard, strong. Did you mean 'strong'?", "--augment", "stron")]
    public void Bad_input_is_refused_in_one_line(string expected, params string[] args)
    {
        var file = Path.Combine(folder, "file");
        File.WriteAllText(file, "in the way of a folder");
        var output = Path.Combine(folder, "run");
        string[] where = args.Contains("--out") ? [] : ["--out", output];

        var line = Here.Refusal(
            ["train", "--limit", "10", .. where, .. args.Select(argument => argument.Replace("FILE", file, StringComparison.Ordinal))]);

        Assert.StartsWith("xsepconv train: ", line);
        Assert.Contains(expected, line);
        Assert.False(Directory.Exists(output));
        Assert.Equal("in the way of a folder", File.ReadAllText(file));
    }

    [Fact]
    public void The_table_of_recipes_leaves_dropout_to_the_network_where_they_do()
    {
        var row = Here.Run("train", "--help").Out.Split('\n').Last(
            line => line.TrimStart().StartsWith("--dropout ", StringComparison.Ordinal));
        Assert.Equal(["--dropout", "network's", "network's", "0.2"], row.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Files_of_another_set_with_the_same_names_are_refused()
    {
        // The labels that MNIST begins with, as its publisher's file has them.
        var root = IdxSet(folder);
        byte[] labels = [5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5, 3, 6, 1, 7, 2, 8, 6, 9];
        File.WriteAllBytes(Path.Combine(root, "train-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 20, .. labels]);
        File.WriteAllBytes(
            Path.Combine(root, "train-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 2, .. new byte[80]]);
        var line = Here.Refusal("train", "--data", "fashion-mnist", "--data-root", root, "--out", Path.Combine(folder, "run"));
        Assert.Contains("has the labels of mnist", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_is_neither_overwritten_unasked_nor_resumed_with_other_options()
    {
        var last = Path.Combine(finished.Output, "last.safetensors");
        var before = File.ReadAllBytes(last);

        Assert.Contains("Continue it with --resume", Here.Refusal(FinishedRun.Arguments(finished.Output)));
        var (exitCode, _, error) = Here.Run([.. Changed("--epochs", "4"), "--lr", "0.5", "--resume"]);
        Assert.Equal(2, exitCode);
        Assert.Equal(
            ["   - epochs: 3 there, 4 now", "   - learning rate: 0.02 there, 0.5 now"],
            error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries)[^2..]);
        Assert.Equal(before, File.ReadAllBytes(last));
    }

    [Theory]
    [InlineData("best.safetensors", "train")]
    [InlineData("log.jsonl", "train")]
    [InlineData("best.safetensors", "compare")]
    [InlineData("log.jsonl", "compare")]
    public void What_is_left_of_a_run_is_not_overwritten_unasked(string left, string command)
    {
        var path = Path.Combine(folder, left);
        File.WriteAllText(path, "of before");

        var line = Here.Refusal(command, "--limit", "10", "--width", "0.1", "--epochs", "1", "--batch", "4", "--out", folder);

        Assert.Contains(command == "train" ? "holds a run already" : "holds training runs", line, StringComparison.Ordinal);
        Assert.Equal("of before", File.ReadAllText(path));
    }

    [Theory]
    [InlineData("train-images-idx3-ubyte: the magic number is 0x00000801", "train-images-idx3-ubyte", 3, 1)]
    [InlineData("train-images-idx3-ubyte: ends after 24 of 36 bytes", "train-images-idx3-ubyte", 7, 9)]
    [InlineData("t10k-labels-idx1-ubyte: goes on after its 5 bytes", "t10k-labels-idx1-ubyte", 7, 5)]
    [InlineData("train-labels-idx1-ubyte", "train-labels-idx1-ubyte", 8, 10)]
    public void A_damaged_IDX_file_is_named(string expected, string name, int at, byte value)
    {
        var root = IdxSet(folder);
        var bytes = File.ReadAllBytes(Path.Combine(root, name));
        bytes[at] = value;
        File.WriteAllBytes(Path.Combine(root, name), bytes);

        var line = Here.Refusal("train", "--data", "mnist", "--data-root", root, "--out", Path.Combine(folder, "run"));

        Assert.Contains(Path.Combine(root, expected), line);
    }

    [Fact]
    public void Counts_of_images_and_labels_that_disagree_are_refused()
    {
        var root = IdxSet(folder);
        File.WriteAllBytes(Path.Combine(root, "train-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 5, 0, 1, 2, 3, 4]);

        var line = Here.Refusal("train", "--data", "mnist", "--data-root", root, "--out", Path.Combine(folder, "run"));

        Assert.Contains("train-labels-idx1-ubyte", line);
        Assert.Contains("5 labels", line);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>Six images of 2×2 to learn from and six to test with: an IDX header is big-endian, magic number and sizes.</summary>
    internal static string IdxSet(string folder)
    {
        var root = Path.Combine(folder, "idx");
        Directory.CreateDirectory(root);
        foreach (var split in new[] { "train", "t10k" })
        {
            File.WriteAllBytes(
                Path.Combine(root, $"{split}-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 2, .. new byte[24]]);
            File.WriteAllBytes(Path.Combine(root, $"{split}-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 6, 0, 1, 2, 3, 4, 5]);
        }

        return root;
    }

    private string[] Changed(string option, string value)
    {
        var args = FinishedRun.Arguments(finished.Output);
        args[Array.IndexOf(args, option) + 1] = value;
        return args;
    }
}
