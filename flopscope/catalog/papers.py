"""The papers of the catalogue, with their authors in the order of the paper."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """Where a family was published. The year is that of its first version on arXiv; each author's
    last word is the surname."""

    title: str
    arxiv: str
    year: int
    authors: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.title}, arXiv {self.arxiv} ({self.year})"


def _by(names: str) -> tuple[str, ...]:
    return tuple(names.split(", "))


V1 = Paper(
    "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
    "1704.04861",
    2017,
    _by(
        "Andrew G. Howard, Menglong Zhu, Bo Chen, Dmitry Kalenichenko, Weijun Wang, Tobias Weyand, "
        "Marco Andreetto, Hartwig Adam"
    ),
)
V2 = Paper(
    "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
    "1801.04381",
    2018,
    _by("Mark Sandler, Andrew Howard, Menglong Zhu, Andrey Zhmoginov, Liang-Chieh Chen"),
)
V3 = Paper(
    "Searching for MobileNetV3",
    "1905.02244",
    2019,
    _by(
        "Andrew Howard, Mark Sandler, Grace Chu, Liang-Chieh Chen, Bo Chen, Mingxing Tan, "
        "Weijun Wang, Yukun Zhu, Ruoming Pang, Vijay Vasudevan, Quoc V. Le, Hartwig Adam"
    ),
)
V4 = Paper(
    "MobileNetV4: Universal Models for the Mobile Ecosystem",
    "2404.10518",
    2024,
    _by(
        "Danfeng Qin, Chas Leichner, Manolis Delakis, Marco Fornoni, Shixin Luo, Fan Yang, "
        "Weijun Wang, Colby Banbury, Chengxi Ye, Berkin Akin, Vaibhav Aggarwal, Tenghui Zhu, "
        "Daniele Moro, Andrew Howard"
    ),
)
EFFICIENTNET = Paper(
    "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    "1905.11946",
    2019,
    _by("Mingxing Tan, Quoc V. Le"),
)
EFFICIENTNETV2 = Paper(
    "EfficientNetV2: Smaller Models and Faster Training",
    "2104.00298",
    2021,
    _by("Mingxing Tan, Quoc V. Le"),
)
SHUFFLENET = Paper(
    "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices",
    "1707.01083",
    2017,
    _by("Xiangyu Zhang, Xinyu Zhou, Mengxiao Lin, Jian Sun"),
)
SHUFFLENETV2 = Paper(
    "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
    "1807.11164",
    2018,
    _by("Ningning Ma, Xiangyu Zhang, Hai-Tao Zheng, Jian Sun"),
)
GHOSTNET = Paper(
    "GhostNet: More Features from Cheap Operations",
    "1911.11907",
    2019,
    _by("Kai Han, Yunhe Wang, Qi Tian, Jianyuan Guo, Chunjing Xu, Chang Xu"),
)
GHOSTNETV2 = Paper(
    "GhostNetV2: Enhance Cheap Operation with Long-Range Attention",
    "2211.12905",
    2022,
    _by("Yehui Tang, Kai Han, Jianyuan Guo, Chang Xu, Chao Xu, Yunhe Wang"),
)
GHOSTNETV3 = Paper(
    "GhostNetV3: Exploring the Training Strategies for Compact Models",
    "2404.11202",
    2024,
    _by("Zhenhua Liu, Zhiwei Hao, Kai Han, Yehui Tang, Yunhe Wang"),
)
RESNET = Paper(
    "Deep Residual Learning for Image Recognition",
    "1512.03385",
    2015,
    _by("Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun"),
)
REGNET = Paper(
    "Designing Network Design Spaces",
    "2003.13678",
    2020,
    _by("Ilija Radosavovic, Raj Prateek Kosaraju, Ross Girshick, Kaiming He, Piotr Dollár"),
)
CONVNEXT = Paper(
    "A ConvNet for the 2020s",
    "2201.03545",
    2022,
    _by(
        "Zhuang Liu, Hanzi Mao, Chao-Yuan Wu, Christoph Feichtenhofer, Trevor Darrell, Saining Xie"
    ),
)
FASTVIT = Paper(
    "FastViT: A Fast Hybrid Vision Transformer using Structural Reparameterization",
    "2303.14189",
    2023,
    _by("Pavan Kumar Anasosalu Vasu, James Gabriel, Jeff Zhu, Oncel Tuzel, Anurag Ranjan"),
)
MOBILECLIP = Paper(
    "MobileCLIP: Fast Image-Text Models through Multi-Modal Reinforced Training",
    "2311.17049",
    2023,
    _by(
        "Pavan Kumar Anasosalu Vasu, Hadi Pouransari, Fartash Faghri, Raviteja Vemulapalli, "
        "Oncel Tuzel"
    ),
)
MOBILECLIP2 = Paper(
    "MobileCLIP2: Improving Multi-Modal Reinforced Training",
    "2508.20691",
    2025,
    _by(
        "Fartash Faghri, Pavan Kumar Anasosalu Vasu, Cem Koc, Vaishaal Shankar, "
        "Alexander T Toshev, Oncel Tuzel, Hadi Pouransari"
    ),
)
MOBILEONE = Paper(
    "MobileOne: An Improved One millisecond Mobile Backbone",
    "2206.04040",
    2022,
    _by("Pavan Kumar Anasosalu Vasu, James Gabriel, Jeff Zhu, Oncel Tuzel, Anurag Ranjan"),
)
REPVIT = Paper(
    "RepViT: Revisiting Mobile CNN From ViT Perspective",
    "2307.09283",
    2023,
    _by("Ao Wang, Hui Chen, Zijia Lin, Jungong Han, Guiguang Ding"),
)
WTCONVNEXT = Paper(
    "Wavelet Convolutions for Large Receptive Fields",
    "2407.05848",
    2024,
    _by("Shahaf E. Finder, Roy Amoyal, Eran Treister, Oren Freifeld"),
)
POOLFORMER = Paper(
    "MetaFormer Is Actually What You Need for Vision",
    "2111.11418",
    2021,
    _by(
        "Weihao Yu, Mi Luo, Pan Zhou, Chenyang Si, Yichen Zhou, Xinchao Wang, Jiashi Feng, "
        "Shuicheng Yan"
    ),
)
MOBILEVIT = Paper(
    "MobileViT: Light-weight, General-purpose, and Mobile-friendly Vision Transformer",
    "2110.02178",
    2021,
    _by("Sachin Mehta, Mohammad Rastegari"),
)
EFFICIENTVIT_MIT = Paper(
    "EfficientViT: Multi-Scale Linear Attention for High-Resolution Dense Prediction",
    "2205.14756",
    2022,
    _by("Han Cai, Junyan Li, Muyan Hu, Chuang Gan, Song Han"),
)
EFFICIENTVIT_MSRA = Paper(
    "EfficientViT: Memory Efficient Vision Transformer with Cascaded Group Attention",
    "2305.07027",
    2023,
    _by("Xinyu Liu, Houwen Peng, Ningxin Zheng, Yuqing Yang, Han Hu, Yixuan Yuan"),
)
MOBILEVITV2 = Paper(
    "Separable Self-attention for Mobile Vision Transformers",
    "2206.02680",
    2022,
    _by("Sachin Mehta, Mohammad Rastegari"),
)
EFFICIENTFORMER = Paper(
    "EfficientFormer: Vision Transformers at MobileNet Speed",
    "2206.01191",
    2022,
    _by(
        "Yanyu Li, Geng Yuan, Yang Wen, Ju Hu, Georgios Evangelidis, Sergey Tulyakov, "
        "Yanzhi Wang, Jian Ren"
    ),
)
EFFICIENTFORMERV2 = Paper(
    "Rethinking Vision Transformers for MobileNet Size and Speed",
    "2212.08059",
    2022,
    _by(
        "Yanyu Li, Ju Hu, Yang Wen, Georgios Evangelidis, Kamyar Salahi, Yanzhi Wang, "
        "Sergey Tulyakov, Jian Ren"
    ),
)
EFFICIENTSAM = Paper(
    "EfficientSAM: Leveraged Masked Image Pretraining for Efficient Segment Anything",
    "2312.00863",
    2023,
    _by(
        "Yunyang Xiong, Bala Varadarajan, Lemeng Wu, Xiaoyu Xiang, Fanyi Xiao, Chenchen Zhu, "
        "Xiaoliang Dai, Dilin Wang, Fei Sun, Forrest Iandola, Raghuraman Krishnamoorthi, "
        "Vikas Chandra"
    ),
)
MOBILEVLM = Paper(
    "MobileVLM V2: Faster and Stronger Baseline for Vision Language Model",
    "2402.03766",
    2024,
    _by(
        "Xiangxiang Chu, Limeng Qiao, Xinyu Zhang, Shuang Xu, Fei Wei, Yang Yang, Xiaofei Sun, "
        "Yiming Hu, Xinyang Lin, Bo Zhang, Chunhua Shen"
    ),
)
STARNET = Paper(
    "Rewrite the Stars",
    "2403.19967",
    2024,
    _by("Xu Ma, Xiyang Dai, Yue Bai, Yizhou Wang, Yun Fu"),
)
