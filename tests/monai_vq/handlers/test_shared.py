from monai.bundle import ConfigParser

from monai_vq.handlers import shared


def test_a_config_gets_the_very_object():
    handler = {"_target_": "monai_vq.handlers.shared", "handler": "@budget"}
    parser = ConfigParser({"budget": {"_target_": "builtins.set"}, "handlers": [handler]})
    assert parser.get_parsed_content("handlers")[0] is parser.get_parsed_content("budget")
    assert shared(parser) is parser
