"""Names for the demo: put together from lists by the seed, so that they belong to nobody in particular."""

from random import Random

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜戚谢邹喻柏窦章云苏潘葛范彭郎鲁韦马苗凤方俞任袁柳唐罗薛雷贺倪汤"
FIRST = "秀建桂志美海玉文春国丽明德金凤永兰平红光福荣世冬庆长立学瑞宝"
SECOND = "英华兰军玲峰梅强芳斌云刚珍辉霞勇琴伟娟涛萍龙燕波莲飞香林"


def person(random: Random) -> str:
    """A name of two or three characters."""
    name = random.choice(SURNAMES) + random.choice(FIRST)
    return name + random.choice(SECOND) if random.random() < 0.8 else name


def people(random: Random, count: int) -> list[str]:
    """`count` different names."""
    found: dict[str, None] = {}
    while len(found) < count:
        found.setdefault(person(random))
    return list(found)
