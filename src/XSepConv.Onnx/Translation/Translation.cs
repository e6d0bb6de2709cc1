namespace XSepConv.Onnx;

/// <summary>How modules of one class are exported.</summary>
/// <param name="Run">Adds the nodes.</param>
/// <param name="Parts">The modules in it that run, the first one first; null where they are its own business.</param>
internal sealed record Translation(
    Func<ModuleTranslator, OnnxTensor, ModuleAt, OnnxTensor> Run, Func<ModuleAt, IEnumerable<ModuleAt>>? Parts = null);
