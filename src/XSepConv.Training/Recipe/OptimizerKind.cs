namespace XSepConv.Training;

/// <summary>How weights follow their gradients.</summary>
public enum OptimizerKind
{
    /// <summary>Stochastic gradient descent with momentum (Nesterov's unless switched off); decay is a part of the gradient.</summary>
    Sgd,

    /// <summary>
    /// AdamW (Loshchilov and Hutter 2017, arXiv 1711.05101): steps scaled by the gradients' moments; decay apart from the gradient.
    /// </summary>
    AdamW,
}

/// <summary>What the learning rate does after warm-up.</summary>
public enum ScheduleKind
{
    /// <summary>Half a cosine down to 0.</summary>
    Cosine,

    /// <summary>
    /// The peak, a tenth of it from the run's middle on, a hundredth from three quarters on (as He et al. 2015 did on CIFAR-10).
    /// </summary>
    Step,
}
