using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

[Collection(TorchTests.Name)]
public sealed class TrainingStepTests : IDisposable
{
    private static readonly TrainingRecipe s_plain = new()
    {
        Epochs = 1,
        BatchSize = 2,
        LearningRate = 0.3,
        Schedule = ScheduleKind.Step,
        WarmupEpochs = 0,
        Momentum = 0,
        Nesterov = false,
        WeightDecay = 0,
        LabelSmoothing = 0,
    };

    private readonly RunFolder _run = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _run.Dispose();
    }

    // Logits 0 say ½ for each of two classes, so the gradient of the first image's class is (½ − 1)·x, of the other (½ − 0)·x, over N
    // images.
    [Fact]
    public void A_step_of_plain_descent_is_the_hand_worked_one()
    {
        using var network = nn.Linear(1, 2, hasBias: false, dtype: ScalarType.Float64);
        using (no_grad()) network.weight!.zero_();
        using var step = new TrainingStep(network, s_plain, stepsPerEpoch: 4);

        var (loss, correct) = step.Run(tensor(new[,] { { 1.0 }, { 3.0 } }), tensor(new[] { 0L, 1L }));

        // Class 0: (−½·1 + ½·3)/2 = ½; class 1 is the opposite.
        Assert.Equal(Math.Log(2), loss, 1e-15);
        Assert.Equal(1, correct);
        Assert.Equal([-0.15, 0.15], network.weight!.data<double>().ToArray().Select(value => Math.Round(value, 12)));
        Assert.Equal((1, 4, 0.3), (step.StepsDone, step.Steps, step.LearningRate));
    }

    [Fact]
    public void Accumulated_batches_are_one_step_of_their_mean_gradient()
    {
        using var network = nn.Linear(1, 2, hasBias: false, dtype: ScalarType.Float64);
        using (no_grad()) network.weight!.zero_();
        using var step = new TrainingStep(network, s_plain with { AccumulateBatches = 2 }, stepsPerEpoch: 1);

        step.Run(tensor(new[,] { { 1.0 } }), tensor(new[] { 0L }));
        Assert.Equal(0, step.StepsDone);
        Assert.Equal([0.0, 0.0], network.weight!.data<double>().ToArray());
        step.Run(tensor(new[,] { { 3.0 } }), tensor(new[] { 1L }));

        Assert.Equal(1, step.StepsDone);
        Assert.Equal([-0.15, 0.15], network.weight!.data<double>().ToArray().Select(value => Math.Round(value, 12)));
        Assert.Equal(0, step.LearningRate);
        var error = Assert.Throws<InvalidOperationException>(() => step.Run(tensor(new[,] { { 1.0 } }), tensor(new[] { 0L })));
        Assert.Contains("All 1 steps are done: 1 epochs of 1", error.Message);
    }

    // Of a backward before, by somebody else or of a step that was given up.
    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.AdamW)]
    public void Gradients_that_are_there_already_are_not_a_part_of_the_first_step(OptimizerKind optimizer)
    {
        float[] Trained(bool leftover)
        {
            using var network = nn.Linear(3, 2);
            using (no_grad())
            {
                network.weight!.fill_(0.5);
                network.bias!.zero_();
            }

            if (leftover) network.call(ones(2, 3)).pow(2).sum().backward();
            using var step = new TrainingStep(network, new() { Optimizer = optimizer }, stepsPerEpoch: 4);
            step.Run(arange(6, dtype: ScalarType.Float32).view(2, 3), tensor(new[] { 0L, 1L }));
            return [.. network.weight!.data<float>(), .. network.bias!.data<float>()];
        }

        Assert.Equal(Trained(leftover: false), Trained(leftover: true));
    }

    // But for dropout, whose numbers the trainer draws from its own seed.
    [Theory]
    [InlineData("quick")]
    [InlineData("strong")]
    public void A_loop_of_one_s_own_trains_to_the_trainer_s_bits(string name)
    {
        var data = RunFolder.Data;
        var options = _run.Options with
        {
            Network = TorchTests.Spec() with { Dropout = 0 },
            Recipe = TrainingRecipe.For(name) with { Epochs = 2, BatchSize = 16, AccumulateBatches = 2, WarmupEpochs = 1, Dropout = 0 },
        };
        new Trainer(options, data).Run(cancel: TestContext.Current.CancellationToken);

        var recipe = options.Recipe;
        using (manual_seed(options.Seed))
        {
        }

        using var network = new MobileNet(options.Network);
        using var step = new TrainingStep(network, recipe, recipe.StepsPerEpoch(data.Train));
        for (var epoch = 1; epoch <= recipe.Epochs; epoch++)
        {
            foreach (var batch in recipe.Batches(data, epoch, options.Seed)) step.Run(batch);
        }

        Assert.Equal(step.Steps, step.StepsDone);
        using var trained = Checkpoint.Load(_run.Last);
        var own = network.state_dict();
        Assert.All(trained.Network.state_dict(), entry => Assert.True(entry.Value.equal(own[entry.Key]).all().ToBoolean(), entry.Key));
        Assert.Equal(recipe.EmaDecay > 0, step.Average is not null);
    }

    [Fact]
    public void What_a_loop_saves_is_a_checkpoint_that_the_runtime_takes()
    {
        var (data, path) = (RunFolder.Data, System.IO.Path.Combine(Directory.CreateDirectory(_run.Path).FullName, "own.safetensors"));
        using var network = new MobileNet(TorchTests.Spec());
        Checkpoint.Save(path, network, data);

        using var loaded = Checkpoint.Load(path);
        Assert.Equal(data.ClassNames, loaded.ClassNames);
        Assert.Equal((data.Name, (3, 32, 32)), (loaded.DataName, loaded.ImageShape));
        Assert.Equal(data.Normalization, loaded.Normalization);
        Assert.Null(loaded.Result);
        Assert.All(network.state_dict(), entry => Assert.True(entry.Value.equal(loaded.Network.state_dict()[entry.Key]).all().ToBoolean()));
        Assert.Equal(data.ClassNames, CompiledModel.Load(path).Data!.Classes);
        using var other = new MobileNet(TorchTests.Spec(classes: 3));
        Assert.Contains("3 classes", Assert.Throws<ArgumentException>(() => Checkpoint.Save(path, other, data)).Message);
    }

    [Theory]
    [InlineData("conv1.weight", double.NaN)]
    [InlineData("linear4.bias", double.PositiveInfinity)]
    [InlineData("bn1.running_var", -1.0)]
    public void Weights_that_could_not_be_loaded_do_not_replace_a_checkpoint(string name, double value)
    {
        var path = System.IO.Path.Combine(Directory.CreateDirectory(_run.Path).FullName, "own.safetensors");
        using var network = new MobileNet(TorchTests.Spec());
        Checkpoint.Save(path, network, RunFolder.Data);
        var good = File.ReadAllBytes(path);
        using (no_grad()) network.state_dict()[name].fill_(value);

        var refused = Assert.Throws<ArgumentException>(() => Checkpoint.Save(path, network, RunFolder.Data));

        Assert.Equal("network", refused.ParamName);
        Assert.Contains($"'{name}'", refused.Message, StringComparison.Ordinal);
        Assert.Equal(good, File.ReadAllBytes(path));
    }

    [Fact]
    public void A_loss_that_is_no_number_leaves_the_weights_and_the_next_batch_as_they_are()
    {
        using var network = nn.Linear(1, 2, hasBias: false, dtype: ScalarType.Float64);
        using (no_grad()) network.weight!.zero_();
        using var step = new TrainingStep(network, s_plain with { AccumulateBatches = 2 }, stepsPerEpoch: 1);
        step.Run(tensor(new[,] { { 1.0 } }), tensor(new[] { 0L }));

        var error = Assert.Throws<TrainingDivergedException>(() => step.Run(tensor(new[,] { { double.NaN } }), tensor(new[] { 0L })));

        Assert.Contains("The loss is NaN in step 1 of epoch 1. The weights are as before it.", error.Message);
        step.Run(tensor(new[,] { { 1.0 } }), tensor(new[] { 0L }));
        step.Run(tensor(new[,] { { 3.0 } }), tensor(new[] { 1L }));
        Assert.Equal([-0.15, 0.15], network.weight!.data<double>().ToArray().Select(value => Math.Round(value, 12)));
    }

    // The forward has long taken the batch into the running statistics by the time the loss says what it was worth.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Nor_does_it_leave_anything_in_the_running_statistics(int accumulated)
    {
        var recipe = s_plain with { BatchSize = 4, AccumulateBatches = accumulated, LearningRate = 0.01 };
        var data = RunFolder.Data;
        using var network = new MobileNet(TorchTests.Spec());
        using var step = new TrainingStep(network, recipe, stepsPerEpoch: 4);
        using var scope = NewDisposeScope();
        var (images, labels) = (randn(4, 3, 16, 16), tensor(new[] { 0L, 1, 2, 3 }));
        for (var i = 0; i < accumulated; i++) step.Run(images, labels);
        var before = network.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.clone());

        // Of a step of two batches the first is lost with the second.
        for (var i = 1; i < accumulated; i++) step.Run(images, labels);
        var damaged = images.clone();
        damaged[0, 0, 0, 0] = float.NaN;
        Assert.Throws<TrainingDivergedException>(() => step.Run(damaged, labels));

        Assert.All(network.state_dict(), entry => Assert.True(entry.Value.equal(before[entry.Key]).all().ToBoolean(), entry.Key));
        Assert.Contains(before.Keys, key => key.EndsWith("running_var", StringComparison.Ordinal));
        var measured = Evaluator.Evaluate(network, data.Test, data.Normalization, cancel: TestContext.Current.CancellationToken);
        Assert.True(double.IsFinite(measured.Loss));
        Assert.True(network.training);
        for (var i = 0; i < accumulated; i++) Assert.True(double.IsFinite(step.Run(images, labels).Loss));
        Assert.Equal(2, step.StepsDone);
    }

    // A gradient that is too large for a number comes after a loss that is one.
    [Fact]
    public void Nor_does_a_gradient_that_is_no_number()
    {
        var norm = nn.BatchNorm1d(1, momentum: 0.5);
        var linear = nn.Linear(1, 2, hasBias: false);
        using (no_grad())
        {
            norm.weight!.fill_(1e-30f);
            using var opposite = tensor(new[,] { { 1e30f }, { -1e30f } });
            linear.weight!.copy_(opposite);
        }

        using var network = nn.Sequential(("norm", norm), ("linear", linear));
        using var step = new TrainingStep(network, s_plain with { ClipNorm = 1 }, stepsPerEpoch: 1);
        var error = Assert.Throws<TrainingDivergedException>(
            () => step.Run(tensor(new[,] { { 1f }, { 3f } }), tensor(new[] { 0L, 1L })));
        Assert.Contains("The gradient's norm is", error.Message, StringComparison.Ordinal);
        Assert.Equal((0f, 1f), (norm.running_mean!.item<float>(), norm.running_var!.item<float>()));
    }

    [Fact]
    public void What_can_t_be_done_is_refused_by_name()
    {
        using var network = nn.Linear(1, 2);
        Assert.Contains("averages the weights (EmaDecay is 0.995)", Assert.Throws<ArgumentException>(
            () => new TrainingStep(network, TrainingRecipe.For("standard"), 1)).Message);
        Assert.Contains("epochs is 0, it must be from 1", Assert.Throws<ArgumentException>(
            () => new TrainingStep(network, s_plain with { Epochs = 0 }, 1)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrainingStep(network, s_plain, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_plain.Batches(RunFolder.Data, 0));
        using var step = new TrainingStep(network, s_plain, 1);
        network.eval();
        Assert.Contains("evaluation mode", Assert.Throws<InvalidOperationException>(
            () => step.Run(ones(2, 1), zeros(2, ScalarType.Int64))).Message);
    }

    [Fact]
    public void Nothing_of_a_batch_is_left()
    {
        var recipe = TrainingRecipe.For("strong") with { BatchSize = 16, Epochs = 3 };
        using var network = new MobileNet(TorchTests.Spec());
        using var step = new TrainingStep(network, recipe, recipe.StepsPerEpoch(RunFolder.Data.Train));
        Epoch(1);
        var (before, inScope) = (Tensor.TotalCount, _scope.DisposablesCount);
        Epoch(2);
        Epoch(3);
        Assert.Equal((before, inScope), (Tensor.TotalCount, _scope.DisposablesCount));

        void Epoch(int number)
        {
            foreach (var batch in recipe.Batches(RunFolder.Data, number)) step.Run(batch);
        }
    }
}
