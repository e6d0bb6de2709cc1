namespace XSepConv.Training.Tests;

/// <summary>Whose a run's folder is: what is not overwritten, not gone on with, and not shared.</summary>
[Collection(TorchTests.Name)]
public sealed class RunOwnershipTests : RunFolderTests
{
    [Fact]
    public void Only_a_lock_that_another_has_is_another_run()
    {
        Directory.CreateDirectory(Run.Path);
        using (RunDirectory.Lock(Run.Path, "run"))
        {
            var held = Assert.Throws<TrainingRefusedException>(() => RunDirectory.Lock(Run.Path, "run"));
            Assert.Contains("Another run is writing to", held.Message, StringComparison.Ordinal);
        }

        // Any other failure has the system's words, as that of a file system that is full or read-only has.
        Assert.Throws<DirectoryNotFoundException>(() => RunDirectory.Lock(Path.Combine(Run.Path, "none"), "run"));
    }

    [Fact]
    public void A_directory_with_aRun_is_not_overwritten_unasked()
    {
        Run.Run(Run.Options.By(recipe => recipe with { Epochs = 1 }));
        Refused(Run.Options, "holds a run already");
        RequireSame(Run.Run(Run.Options with { Overwrite = true }));
    }

    [Theory]
    [InlineData("last.safetensors")]
    [InlineData("best.safetensors")]
    [InlineData("log.jsonl")]
    public void Whatever_is_left_of_aRun_is_not_overwritten_unasked(string left)
    {
        Directory.CreateDirectory(Run.Path);
        var path = Path.Combine(Run.Path, left);
        File.WriteAllText(path, "of before");
        Refused(Run.Options, "holds a run already");
        Assert.Equal("of before", File.ReadAllText(path));
        RequireSame(Run.Run(Run.Options with { Overwrite = true }));
    }

    [Theory]
    [InlineData("last.safetensors")]
    [InlineData("best.safetensors")]
    [InlineData("log.jsonl")]
    public void Overwriting_that_breaks_off_leaves_what_is_not_overwritten_unasked(string stuck)
    {
        // A file that can't be deleted ends it there, as a kill might.
        Run.Run(Run.Options.By(recipe => recipe with { Epochs = 1 }));
        File.Delete(Path.Combine(Run.Path, stuck));
        Directory.CreateDirectory(Path.Combine(Run.Path, stuck));
        Assert.Throws<TrainingStorageException>(() => Run.Run(Run.Options with { Overwrite = true }));
        Refused(Run.Options, "holds a run already");
    }

    [Fact]
    public void ARun_that_another_trainer_has_made_since_is_not_overwritten()
    {
        var late = new Trainer(Run.Options, RunFolder.Data);
        Run.Run();
        var error = Assert.Throws<TrainingRefusedException>(() => late.Run(cancel: TestContext.Current.CancellationToken));
        Assert.Contains("holds a run already", error.Message, StringComparison.Ordinal);
        Assert.Equal(Uninterrupted.Value.Best, File.ReadAllBytes(Run.Best));
    }

    [Fact]
    public async Task Of_many_that_come_and_go_only_one_has_the_folder()
    {
        Directory.CreateDirectory(Run.Path);
        var (there, taken) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 3000; i++)
            {
                try
                {
                    using var held = RunDirectory.Lock(Run.Path, "run");
                    Interlocked.Increment(ref taken);
                    Assert.Equal(1, Interlocked.Increment(ref there));
                    Thread.SpinWait(20);
                    Interlocked.Decrement(ref there);
                }
                catch (TrainingRefusedException)
                {
                }
            }
        }, TestContext.Current.CancellationToken)));
        Assert.True(taken > 100, $"{taken} times");
        Assert.Empty(Directory.GetFileSystemEntries(Run.Path));
    }

    // A position of then with weights of now would be steps that are taken twice, or a test that is forgotten.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ARun_that_went_on_since_it_was_read_is_not_resumed_from_there(bool toTheEnd)
    {
        Run.RunInterruptedAt(2);
        var late = new Trainer(Run.Options with { Resume = true }, RunFolder.Data);
        if (toTheEnd) Run.Run(Run.Options with { Resume = true });
        else Run.RunUntil(report => report is { Epoch: 2, Step: 4, Phase: "train" }, resume: true);
        RefusedAsOld(late);
        RequireSame(Run.Run(Run.Options with { Resume = true }));
    }

    [Fact]
    public void Nor_does_a_trainer_that_was_cancelled_resume_twice_from_where_it_began()
    {
        Run.RunInterruptedAt(1);
        var trainer = new Trainer(Run.Options with { Resume = true }, RunFolder.Data);
        using (var cancel = new CancellationTokenSource())
        {
            var stop = new Stop(report => report is { Epoch: 2, Step: 3, Phase: "train" }, cancel);
            Assert.False(trainer.Run(stop, cancel.Token).Completed);
        }

        RefusedAsOld(trainer);
        RequireSame(Run.Run(Run.Options with { Resume = true }));
    }

    [Fact]
    public void Nor_one_whose_checkpoint_is_gone()
    {
        Run.RunInterruptedAt(1);
        var late = new Trainer(Run.Options with { Resume = true }, RunFolder.Data);
        File.Delete(Run.Last);
        RefusedAsOld(late);
    }

    [Fact]
    public void A_directory_that_can_t_be_written_is_refused_before_training()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("file"), "");
        Refused(Run.Options with { OutputDirectory = folder.At("file") }, "can't be written");
        Refused(Run.Options with { OutputDirectory = folder.At("file/run") }, "can't be written");
    }

    [Fact]
    public void TwoRuns_do_not_write_to_one_directory()
    {
        Run.Run(progress: report =>
        {
            if (report is not { Epoch: 1, Step: 1, Phase: "train" }) return;
            var error = Assert.Throws<TrainingRefusedException>(
                () => new Trainer(Run.Options with { Resume = true }, RunFolder.Data).Run(cancel: TestContext.Current.CancellationToken));
            Assert.Contains("Another run is writing", error.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Lost_best_weights_and_foreign_or_damaged_checkpoints_are_refused()
    {
        Run.RunInterruptedAt(2);
        var good = File.ReadAllBytes(Run.Last);
        File.Move(Run.Best, Run.Best + ".away");
        Refused(Run.Options with { Resume = true }, "best.safetensors, the weights of its best epoch so far, is gone");
        File.Move(Run.Best + ".away", Run.Best);

        File.Copy(Run.Best, Run.Last, overwrite: true);
        Refused(Run.Options with { Resume = true }, "it holds no training state");

        File.WriteAllBytes(Run.Last, good[..(good.Length / 2)]);
        Assert.Throws<InvalidDataException>(() => new Trainer(Run.Options with { Resume = true }, RunFolder.Data));
    }

    [Theory]
    [InlineData("conv1.weight", SafeTensorType.BF16)]
    [InlineData("bn2.running_var", SafeTensorType.F64)]
    [InlineData("training/momentum/linear4.weight", SafeTensorType.F16)]
    [InlineData("linear4.weight", SafeTensorType.I8)]
    public void Weights_and_momenta_of_another_type_are_refused(string name, SafeTensorType type)
    {
        Run.RunInterruptedAt(2);
        SafeTensor[] tensors;
        Dictionary<string, string> metadata;
        using (var file = SafeTensors.Open(Run.Last))
        {
            metadata = new(file.Metadata);
            tensors = [.. file.Tensors.Values.Select(info =>
            {
                var bytes = file.ReadBytes(info.Name);
                return info.Name == name
                    ? new SafeTensor(name, type, info.Shape, type == SafeTensorType.I8
                        ? new byte[info.ElementCount]
                        : TensorValues.Write(type, TensorValues.Read(info.Type, bytes)))
                    : new SafeTensor(info.Name, info.Type, info.Shape, bytes);
            })];
        }

        Assert.Contains(tensors, tensor => tensor.Name == name);
        SafeTensors.Write(Run.Last, tensors, metadata);
        var message = Assert.Throws<InvalidDataException>(() => Run.Run(Run.Options with { Resume = true })).Message;
        Assert.Contains($"can't be resumed: '{name}' is {type}, and a run goes on from the F32 that it wrote.", message, StringComparison.Ordinal);
    }
}
