namespace XSepConv.Training.Tests;

/// <summary>Data sets, given up when the test is.</summary>
internal static class Sets
{
    public static ImageDataset Open(string name, DatasetOptions? options = null) =>
        DatasetCatalog.Open(name, options, null, TestContext.Current.CancellationToken);
}
