namespace XSepConv.Training;

/// <summary>How the folders of a data root are read.</summary>
public enum FolderLayout
{
    /// <summary>
    /// By their names: folders such as <c>train</c> and <c>test</c>, in any usual spelling, are splits, all others classes. What may be
    /// read in two ways is refused.
    /// </summary>
    Auto,

    /// <summary>Every folder of the data root is a class, whatever it is called.</summary>
    Flat,

    /// <summary>The folders of the data root that are called like splits are splits; all others are left out.</summary>
    Splits,
}
