namespace XSepConv.Training.Tests;

public sealed class LearningRateScheduleTests
{
    [Fact]
    public void Warm_up_is_a_straight_line_and_the_rest_half_a_cosine()
    {
        // 4 steps up to 0.8, then 3 steps: cos(π/4), cos(π/2), cos(3π/4) of the way, by hand.
        var schedule = new LearningRateSchedule(0.8, totalSteps: 7, warmupSteps: 4);
        double[] expected = [0.2, 0.4, 0.6, 0.8, 0.4 * (1 + Math.Sqrt(0.5)), 0.4, 0.4 * (1 - Math.Sqrt(0.5))];
        for (var step = 0; step < 7; step++) Assert.Equal(expected[step], schedule.At(step), 1e-15);
    }

    [Fact]
    public void Without_warm_up_it_begins_below_the_peak_and_never_reaches_0()
    {
        var schedule = new LearningRateSchedule(1, totalSteps: 1, warmupSteps: 0);
        Assert.Equal(0.5, schedule.At(0), 1e-15);
    }

    [Fact]
    public void Steps_down_come_at_the_middle_and_at_three_quarters_of_the_run()
    {
        // 2 steps up to 1, then the peak until half of 10, a tenth until 7.5.
        var schedule = new LearningRateSchedule(1, totalSteps: 10, warmupSteps: 2, ScheduleKind.Step);
        Assert.Equal([0.5, 1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01], Enumerable.Range(0, 10).Select(step => schedule.At(step)));
    }

    [Fact]
    public void Steps_outside_the_run_are_refused()
    {
        var schedule = new LearningRateSchedule(1, 10, 2);
        Assert.Throws<ArgumentOutOfRangeException>(() => schedule.At(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => schedule.At(10));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LearningRateSchedule(1, 10, 11));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LearningRateSchedule(double.NaN, 10, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LearningRateSchedule(0, 10, 1));
    }
}
