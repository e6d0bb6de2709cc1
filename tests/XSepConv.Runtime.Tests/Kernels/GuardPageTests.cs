using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>
/// Stages whose arrays all lie beside a page that may not be touched, before them or behind: a kernel that reads outside of one ends the
/// process, and what it computes is what it computes elsewhere.
/// </summary>
public sealed class GuardPageTests
{
    private const int RandomShapes = 6;

    public static TheoryData<string, bool> Kernels
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var kernels in KernelRegistry.Accelerated)
            {
                data.Add(kernels.Name, false);
                data.Add(kernels.Name, true);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void An_XSepConv_stage_stays_within_its_arrays(string name, bool frozen)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pages are guarded with Linux's mmap.");
        var kernels = KernelRegistry.Choose(name);
        foreach (var shape in XSepStageCases.Chosen.Concat(Enumerable.Range(2_000, RandomShapes).Select(XSepStageCases.Random)))
        {
            var expected = Results(null);
            Assert.Equal(expected, Results(false));
            Assert.Equal(expected, Results(true));

            float[] Results(bool? guardedAtEnd)
            {
                var data = new XSepStageData(shape, 8, 0.1) { GuardedAtEnd = guardedAtEnd };
                if (frozen)
                {
                    data.FreezeStatistics();
                    data.Infer(kernels);
                }
                else
                {
                    data.TrainForward(kernels);
                }

                data.Backward(kernels, frozen);
                return data.AllResults();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_depthwise_stage_stays_within_its_arrays(string name, bool frozen)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pages are guarded with Linux's mmap.");
        var kernels = KernelRegistry.Choose(name);
        foreach (var shape in DepthwiseStageCases.Chosen.Concat(Enumerable.Range(2_000, RandomShapes).Select(DepthwiseStageCases.Random)))
        {
            var expected = Results(null);
            Assert.Equal(expected, Results(false));
            Assert.Equal(expected, Results(true));

            float[] Results(bool? guardedAtEnd)
            {
                var data = new DepthwiseStageData(shape, 8, 0.1) { GuardedAtEnd = guardedAtEnd };
                if (frozen)
                {
                    data.FreezeStatistics();
                    data.Infer(kernels);
                }
                else
                {
                    data.TrainForward(kernels);
                }

                data.Backward(kernels, frozen);
                return data.AllResults();
            }
        }
    }
}
