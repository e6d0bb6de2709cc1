namespace XSepConv.Tests;

/// <summary>Tensors that earlier tests dropped leave the count of live ones when their finalisers run; tests that watch the count have them run first.</summary>
internal static class Finalisers
{
    public static void Run()
    {
        for (var i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
