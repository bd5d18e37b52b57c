"""What entries name as text, for vulture. Made by docs/generate.py: do not change it here."""

import mebench.data.datasets
import mebench.data.downsampled_imagenet
import mebench.data.gtsrb
import mebench.data.image_folder
import mebench.data.mnist_package
import mebench.data.text.labelled_sets
import mebench.data.text.made_up
import mebench.data.text.public
import mebench.data.wallpapers
import mebench.models.networks.block_cnn
import mebench.models.networks.kim_cnn
import mebench.models.networks.lenet
import mebench.models.networks.mlp
import mebench.models.networks.plain_cnn
import mebench.models.networks.resnet
import mebench.models.networks.small_cnn
import mebench.oracle.channels.answers
import mebench.oracle.channels.explanations
import mebench.report.page.page
import mebench.toolkit.learners.early_stopping
import mebench.toolkit.learners.fit
import mebench.toolkit.learners.online
import mebench.toolkit.strategies.pool
import mebench.trial.metrics.builtin
import mebench.trial.metrics.transfer
import mebench_activethief.attack
import mebench_controls.attacks
import mebench_copycat.attack
import mebench_dast.attack
import mebench_dfme.attack
import mebench_jbda.attack
import mebench_knockoff.attack
import mebench_maze.attack
import mebench_mega.attack
import mebench_megex.attack
import mebench_pool.attack
import mebench_xai.ceiling
import mebench_xai.integrated

_ = (
    mebench.data.datasets.cifar10,
    mebench.data.datasets.fashion_mnist,
    mebench.data.datasets.fashion_mnist_10k,
    mebench.data.datasets.mnist,
    mebench.data.datasets.svhn,
    mebench.data.downsampled_imagenet.imagenet_32,
    mebench.data.downsampled_imagenet.imagenet_64,
    mebench.data.gtsrb.gtsrb,
    mebench.data.image_folder.image_files,
    mebench.data.image_folder.image_folder,
    mebench.data.mnist_package.mnist_10k,
    mebench.data.text.labelled_sets.ag_news,
    mebench.data.text.labelled_sets.bbc_news,
    mebench.data.text.labelled_sets.imdb,
    mebench.data.text.labelled_sets.mr,
    mebench.data.text.labelled_sets.qc,
    mebench.data.text.made_up.made_up_topics,
    mebench.data.text.public.fortunes,
    mebench.data.text.public.wikitext_2,
    mebench.data.text.public.wordnet_glosses,
    mebench.data.wallpapers.wallpaper_crops,
    mebench.models.networks.block_cnn.block_cnn,
    mebench.models.networks.kim_cnn.kim_cnn,
    mebench.models.networks.lenet.lenet5,
    mebench.models.networks.mlp.mlp,
    mebench.models.networks.plain_cnn.plain_cnn,
    mebench.models.networks.resnet.resnet18,
    mebench.models.networks.resnet.resnet34,
    mebench.models.networks.small_cnn.small_cnn,
    mebench.oracle.channels.answers.LabelChannel,
    mebench.oracle.channels.answers.ProbabilityChannel,
    mebench.oracle.channels.explanations.IntegratedGradientsChannel,
    mebench.oracle.channels.explanations.SmoothGradChannel,
    mebench.oracle.channels.explanations.VanillaGradientChannel,
    mebench.oracle.channels.explanations.WhiteBoxChannel,
    mebench.report.page.page.html,
    mebench.toolkit.learners.early_stopping.EarlyStoppingLearner,
    mebench.toolkit.learners.fit.FitLearner,
    mebench.toolkit.learners.online.online,
    mebench.toolkit.strategies.pool.RandomPoolStrategy,
    mebench.trial.metrics.builtin.accuracy,
    mebench.trial.metrics.builtin.fidelity,
    mebench.trial.metrics.builtin.fidelity_on_errors,
    mebench.trial.metrics.builtin.kl,
    mebench.trial.metrics.builtin.total_variation,
    mebench.trial.metrics.transfer.transfer,
    mebench_activethief.attack.build,
    mebench_activethief.attack.build_full_pool,
    mebench_activethief.attack.build_uniform_noise,
    mebench_activethief.attack.strategy,
    mebench_controls.attacks.NoiseStrategy,
    mebench_controls.attacks.build_noise,
    mebench_controls.attacks.build_random_generator,
    mebench_copycat.attack.build,
    mebench_dast.attack.build,
    mebench_dfme.attack.build,
    mebench_jbda.attack.build,
    mebench_knockoff.attack.build,
    mebench_maze.attack.build,
    mebench_mega.attack.build,
    mebench_megex.attack.build,
    mebench_pool.attack.build,
    mebench_pool.attack.build_real_data,
    mebench_xai.ceiling.build,
    mebench_xai.integrated.build,
)
